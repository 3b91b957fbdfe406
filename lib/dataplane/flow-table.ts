import { type Flow, flowState, limit } from './layout.gen.js'
import type { StructArray } from './struct-array.js'
import type { Words } from './words.js'

/** How many live flows each real has, by real id, as ipvsadm counts them. */
export interface Census {
  readonly flows: number
  readonly active: Uint32Array
  readonly inactive: Uint32Array
}

/** ActiveConn counts these, InActConn all others (tcp_state_active_table of ip_vs_proto_tcp.c; UDP is never active). */
const ACTIVE_STATES = new Set<number>([flowState.syn_recv, flowState.established])

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

  isExpired(index: number, now: number): boolean {
    return this.#words.idle(index, now) >= (this.#timeouts[this.#words.state(index)] ?? 0)
  }

  /**
   * Frees the slot of an expired flow.
   *
   * @returns the template that had chosen its real (as in `struct flow`); undefined if a packet came in between
   */
  expire(index: number, now: number): number | undefined {
    const before = this.#words.load(index)
    const { templateRef } = this.#flows.read(index)
    if (this.real(index) === 0 || !this.isExpired(index, now)) return undefined
    return this.#words.free(index, before) ? templateRef : undefined
  }

  /** Counts the live flows: a few milliseconds for a million slots. */
  census(now: number): Census {
    const active = new Uint32Array(limit.reals)
    const inactive = new Uint32Array(limit.reals)
    let flows = 0
    for (let index = 0; index < this.length; index++) {
      const real = this.real(index)
      if (real === 0 || this.isExpired(index, now)) continue
      const column = ACTIVE_STATES.has(this.#words.state(index)) ? active : inactive
      column[real] = (column[real] ?? 0) + 1
      flows++
    }
    return { flows, active, inactive }
  }
}
