import { type Flow, flowState, limit } from './layout.gen.js'
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

  /** @param timeouts in ticks, by state */
  constructor(words: Words, flows: StructArray<Flow>, timeouts: readonly number[]) {
    this.#words = words
    this.#flows = flows
    this.#timeouts = timeouts
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
}
