import { type Address, addressBytes, addressFromBytes } from '../address.js'
import { XdplbError } from '../errors.js'
import { mixKnown } from './hash.js'
import { limit, vip } from './layout.gen.js'

/** Where the fields of `struct vip` stand, in words of 64 and of 32 bits. */
const WORDS = vip.size / 8
const HALVES = vip.size / 4
export const ROLE_AT = 4
export const VOUCHED_AT = 3

const GIVEN_UP = 0xffff_ffff_ffff_ffffn

/** More would lie too close for all to be found within `limit.probes` slots. */
const MOST = limit.vips / 4

/**
 * The addresses that are balanced, in the table that bpf/vip.h reads: open-addressed, at most `limit.probes` slots
 * from home, a slot that was given up does not end a search. An address's slot is its id, for as long as it stays.
 */
export class VipTable {
  readonly #words: BigUint64Array
  readonly #halves: Uint32Array
  #count = 0

  /** @param words the table's memory, and the same in halves */
  constructor({ u64, u32 }: { u64: BigUint64Array; u32: Uint32Array }) {
    this.#words = u64
    this.#halves = u32
    for (let id = 0; id < limit.vips; id++) if (!this.#isFree(id)) this.#count++
  }

  find(address: Address): number | undefined {
    const [high, low] = halves(address)
    return probe(high, low).find(id => this.#holds(id, high, low))
  }

  /** The address's id, given out now if it has none. Throws `CONFIG` when its place in the table is full. */
  add(address: Address): number {
    const known = this.find(address)
    if (known !== undefined) return known
    const [high, low] = halves(address)
    const id = probe(high, low).find(candidate => this.#isFree(candidate))
    if (id === undefined || this.#count === MOST) {
      throw new XdplbError(
        'CONFIG',
        `add virtual address: ${address}: one too many, expected at most ${MOST}`,
      )
    }
    this.#words[WORDS * id + 1] = low
    this.#words[WORDS * id] = high
    this.#count++
    return id
  }

  remove(id: number): void {
    this.#words[WORDS * id] = GIVEN_UP
    this.#words[WORDS * id + 1] = GIVEN_UP
    this.#count--
  }

  /** `enum role` */
  role(id: number): number {
    return this.#halves[HALVES * id + ROLE_AT] ?? 0
  }

  setRole(id: number, role: number): void {
    this.#halves[HALVES * id + ROLE_AT] = role
  }

  /** What stands in a slot. */
  at(id: number): Address | undefined {
    if (this.#isFree(id)) return undefined
    return addressFromBytes(new Uint8Array(this.#words.slice(WORDS * id, WORDS * id + 2).buffer))
  }

  *[Symbol.iterator](): Generator<{ id: number; address: Address }> {
    for (let id = 0; id < limit.vips; id++) {
      const address = this.at(id)
      if (address !== undefined) yield { id, address }
    }
  }

  #holds(id: number, high: bigint, low: bigint): boolean {
    return this.#words[WORDS * id] === high && this.#words[WORDS * id + 1] === low
  }

  #isFree(id: number): boolean {
    return this.#holds(id, 0n, 0n) || this.#holds(id, GIVEN_UP, GIVEN_UP)
  }
}

function halves(address: Address): [high: bigint, low: bigint] {
  const bytes = addressBytes(address)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return [view.getBigUint64(0, true), view.getBigUint64(8, true)]
}

function probe(high: bigint, low: bigint): number[] {
  const home = mixKnown(high ^ low)
  return Array.from({ length: limit.probes }, (_, i) => (home + i) % limit.vips)
}
