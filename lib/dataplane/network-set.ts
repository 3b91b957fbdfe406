import { type Address, addressBytes, type Family, familyOf } from '../address.js'
import type { Network } from '../network.js'

/** Networks, thousands of them if need be: one look-up for each length of prefix tells whether an address is in one. */
export class NetworkSet {
  readonly #prefixes: Readonly<Record<Family, Set<string>>> = { 4: new Set(), 6: new Set() }
  readonly #lengths: Readonly<Record<Family, Set<number>>> = { 4: new Set(), 6: new Set() }

  add({ address, prefixLength }: Network): void {
    const family = familyOf(address)
    this.#prefixes[family].add(bitsOf(address).slice(0, prefixLength))
    this.#lengths[family].add(prefixLength)
  }

  /** Is this address in one of them? */
  covers(address: Address): boolean {
    const family = familyOf(address)
    const bits = bitsOf(address)
    return [...this.#lengths[family]].some(length => this.#prefixes[family].has(bits.slice(0, length)))
  }
}

/** `0` and `1`, 32 or 128 of them. */
function bitsOf(address: Address): string {
  const bytes = addressBytes(address).subarray(familyOf(address) === 4 ? 12 : 0)
  return Array.from(bytes, byte => byte.toString(2).padStart(8, '0')).join('')
}
