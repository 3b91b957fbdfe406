import { type Flow, flowState, limit } from './layout.gen.js'
import type { LoadTable } from './load-table.js'
import type { StructArray } from './struct-array.js'
import type { Words } from './words.js'

/** Which flows a real has, by real id. */
export interface Census {
  readonly active: Uint32Array
  readonly inactive: Uint32Array
}

/** ActiveConn counts these, InActConn all others: `is_active()` of bpf/state.h. */
const ACTIVE_STATES = new Set<number>([flowState.syn_recv, flowState.established, flowState.sctp_established])

/** The flows: words and, at the same index, cold halves. */
export class FlowTable {
  readonly #words: Words
  readonly #flows: StructArray<Flow>
  readonly #timeouts: readonly number[]
  readonly #loads: LoadTable

  /** @param timeouts in ticks, by state */
  constructor(
    words: Words,
    flows: StructArray<Flow>,
    { timeouts, loads }: { timeouts: readonly number[]; loads: LoadTable },
  ) {
    this.#words = words
    this.#flows = flows
    this.#timeouts = timeouts
    this.#loads = loads
  }

  get length(): number {
    return this.#words.length
  }

  /** The real of a slot's flow, 0 if there is none. An expired flow counts until it is freed. */
  real(index: number): number {
    return this.#words.real(index)
  }

  /** The number of a flow's state. */
  state(index: number): number {
    return this.#words.state(index)
  }

  /** The cold half of a flow. */
  read(index: number): Flow {
    return this.#flows.read(index)
  }

  isExpired(index: number, now: number): boolean {
    return this.left(index, now) <= 0
  }

  /** Ticks until a flow is over if no packet comes; none or less when it is. */
  left(index: number, now: number): number {
    return (this.#timeouts[this.#words.state(index)] ?? 0) - this.#words.idle(index, now)
  }

  /**
   * Frees the slot of an expired flow, and takes it off its real's count.
   *
   * @returns the template that had chosen its real (as in `struct flow`); undefined if a packet came in between
   */
  expire(index: number, now: number): number | undefined {
    const before = this.#words.load(index)
    const { templateRef } = this.#flows.read(index)
    const [real, state] = [this.real(index), this.#words.state(index)]
    if (real === 0 || !this.isExpired(index, now) || !this.#words.free(index, before)) return undefined
    this.#loads.leave(real, ACTIVE_STATES.has(state))
    return templateRef
  }

  /** Counts the flows, those included that have expired and that nobody has freed: some milliseconds for a million slots. */
  census(): Census {
    const active = new Uint32Array(limit.reals)
    const inactive = new Uint32Array(limit.reals)
    for (let index = 0; index < this.length; index++) {
      const real = this.real(index)
      if (real === 0) continue
      const column = ACTIVE_STATES.has(this.#words.state(index)) ? active : inactive
      column[real] = (column[real] ?? 0) + 1
    }
    return { active, inactive }
  }

  /** Puts the reals' counts right after a process has died, perhaps between a flow and its count. */
  recount(): void {
    const { active, inactive } = this.census()
    for (let real = 1; real < limit.reals; real++) {
      this.#loads.correct(real, { active: active[real] ?? 0, inactive: inactive[real] ?? 0 })
    }
  }
}
