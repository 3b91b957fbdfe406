import { limit, type Mark } from './layout.gen.js'
import { SlotSpace, type Stretch } from './slot-space.js'
import type { StructArray } from './struct-array.js'

const COUNT_SHIFT = 16n

/** A rule, and the address whose packets it is for. */
export interface Rule extends Mark {
  readonly vip: number
}

/**
 * Which packets carry a mark, by address (bpf/service.h). Each address has a stretch of rules; another one is written
 * elsewhere and switched to by one store.
 */
export class MarkTable {
  readonly #rules: StructArray<Mark>
  readonly #markings: BigUint64Array
  readonly #space: SlotSpace

  /** @param markings the memory of that map: first rule and number of rules, by id of the address */
  constructor(rules: StructArray<Mark>, markings: BigUint64Array) {
    this.#rules = rules
    this.#markings = markings
    this.#space = new SlotSpace(limit.marks, Array.from(markings, stretchOf))
  }

  /** Has these rules from now on, in that order, and no others. */
  apply(rules: readonly Rule[]): void {
    const byVip = new Map<number, Mark[]>()
    for (const { vip, ...rule } of rules) byVip.set(vip, [...(byVip.get(vip) ?? []), rule])
    for (let vip = 0; vip < limit.vips; vip++) this.#switch(vip, byVip.get(vip) ?? [])
  }

  #switch(vip: number, rules: readonly Mark[]): void {
    const before = stretchOf(this.#markings[vip] ?? 0n)
    if (before.count === 0 && rules.length === 0) return
    const stretch = this.#space.take(rules.length)
    for (const [index, rule] of rules.entries()) this.#rules.write(stretch.first + index, rule)
    Atomics.store(this.#markings, vip, BigInt(stretch.first) | (BigInt(stretch.count) << COUNT_SHIFT))
    this.#space.give(before)
  }
}

function stretchOf(word: bigint): Stretch {
  return { first: Number(word & 0xffffn), count: Number(word >> COUNT_SHIFT) }
}
