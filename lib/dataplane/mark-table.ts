import { XdplbError } from '../errors.js'
import { limit, type Mark } from './layout.gen.js'
import { SlotSpace, type Stretch } from './slot-space.js'
import type { StructArray } from './struct-array.js'

/**
 * The packets to each VIP that have a mark, and so belong to the service of that mark: the table that bpf/service.h
 * asks before that of ports. A VIP has a stretch of rules, of which the first that fits counts.
 */
export class MarkTable {
  readonly #markings: Uint32Array
  readonly #rules: StructArray<Mark>
  readonly #space: SlotSpace

  /**
   * @param markings `struct marking` by id of a VIP: its stretch, in every second word
   * @param rules what is in the stretches
   */
  constructor(markings: Uint32Array, rules: StructArray<Mark>) {
    this.#markings = markings
    this.#rules = rules
    this.#space = new SlotSpace(rules.length, this.#stretches())
  }

  /** The rules of an address. */
  of(vip: number): Mark[] {
    const { first, count } = this.#stretch(vip)
    return Array.from({ length: count }, (_, index) => this.#rules.read(first + index))
  }

  /** Those of all addresses. */
  all(): Mark[] {
    return this.#stretches().flatMap(({ count }, vip) => (count === 0 ? [] : this.of(vip)))
  }

  /** Switches to other rules with one store. Throws `CONFIG` when they are too many. */
  set(vip: number, rules: readonly Mark[]): void {
    const before = this.#stretch(vip)
    if (rules.length > limit.marks_of_vip) {
      const found = `${rules.length} rules for one address, expected at most ${limit.marks_of_vip}`
      throw new XdplbError('CONFIG', `mark packets: ${found}`)
    }
    const stretch = rules.length === 0 ? NONE : this.#space.take(rules.length)
    for (const [index, rule] of rules.entries()) this.#rules.write(stretch.first + index, rule)
    Atomics.store(this.#markings, vip * WORDS, pack(stretch))
    this.#space.give(before)
  }

  #stretch(vip: number): Stretch {
    const word = this.#markings[vip * WORDS] ?? 0
    return { first: word & 0xffff, count: word >>> 16 }
  }

  #stretches(): Stretch[] {
    return Array.from({ length: this.#markings.length / WORDS }, (_, vip) => this.#stretch(vip))
  }
}

/** Elements of an array map begin at multiples of 8 bytes. */
const WORDS = 2

const NONE: Stretch = { first: 0, count: 0 }

function pack({ first, count }: Stretch): number {
  return (count << 16) | first
}
