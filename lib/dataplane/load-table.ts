import { limit, load } from './layout.gen.js'

/** Where the fields of `struct load` stand, in words of 64 and of 32 bits. */
const WORDS = load.size / 8
const HALVES = load.size / 4
const WEIGHT_AT = 2
const UPPER_AT = 3
const LOWER_AT = 4
const OVERLOADED_AT = 5

/** How many flows a real has, as ipvsadm counts them. */
export interface Connections {
  readonly active: number
  readonly inactive: number
}

/** What decides whether a real gets new flows. */
export interface Share {
  /** 0: none. */
  readonly weight: number
  /** Flows from which it counts as overloaded; 0: none. */
  readonly upperThreshold: number
  /** Flows below which it no longer does; 0: three quarters of the upper one. */
  readonly lowerThreshold: number
}

/**
 * The reals' shares, and their flows as the program counts them. It changes the counts at any moment, so they are
 * changed here by atomic adds, and the fields beside them one by one.
 */
export class LoadTable {
  readonly #words: BigUint64Array
  readonly #halves: Uint32Array

  /** @param words the map's memory, and the same in halves */
  constructor({ u64, u32 }: { u64: BigUint64Array; u32: Uint32Array }) {
    this.#words = u64
    this.#halves = u32
  }

  connections(real: number): Connections {
    const count = Atomics.load(this.#words, real * WORDS)
    return { active: Number(count >> 32n), inactive: Number(count & 0xffff_ffffn) }
  }

  /** Of all reals together. */
  total(): number {
    let total = 0
    for (let real = 1; real < limit.reals; real++) {
      total += (this.#halves[real * HALVES] ?? 0) + (this.#halves[real * HALVES + 1] ?? 0)
    }
    return total
  }

  weight(real: number): number {
    return this.#halves[real * HALVES + WEIGHT_AT] ?? 0
  }

  configure(real: number, { weight, upperThreshold, lowerThreshold }: Share): void {
    this.#halves[real * HALVES + WEIGHT_AT] = weight
    this.#halves[real * HALVES + UPPER_AT] = upperThreshold
    this.#halves[real * HALVES + LOWER_AT] = lowerThreshold
    this.#judge(real, upperThreshold, lowerThreshold || Math.ceil((upperThreshold * 3) / 4))
  }

  /** By other thresholds it may be overloaded, or no longer: __ip_vs_dest_update_overload() of ip_vs_ctl.c. */
  #judge(real: number, upper: number, lower: number): void {
    const { active, inactive } = this.connections(real)
    const flows = active + inactive
    const isOverloaded = (this.#halves[real * HALVES + OVERLOADED_AT] ?? 0) !== 0
    const bound = isOverloaded ? lower : upper
    this.#halves[real * HALVES + OVERLOADED_AT] = upper > 0 && flows >= bound ? 1 : 0
  }

  /** The id goes to another real. */
  reset(real: number): void {
    this.#words.fill(0n, real * WORDS, (real + 1) * WORDS)
  }
}
