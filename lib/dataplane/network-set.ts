import { type Address, type Family, familyOf } from '../address.js'
import { type Network, networkBytes } from '../network.js'

/** Networks, thousands of them if need be: one look-up for each length of prefix tells whether an address is in one. */
export class NetworkSet {
  readonly #names = new Set<string>()
  readonly #lengths: Readonly<Record<Family, Set<number>>> = { 4: new Set(), 6: new Set() }

  add(network: Network): void {
    this.#names.add(nameOf(network))
    this.#lengths[familyOf(network.address)].add(network.prefixLength)
  }

  /** Is this address in one of them? */
  covers(address: Address): boolean {
    return [...this.#lengths[familyOf(address)]].some(prefixLength =>
      this.#names.has(nameOf({ address, prefixLength })),
    )
  }
}

/** The same for all addresses of the network. */
function nameOf(network: Network): string {
  const { address } = networkBytes(network)
  return `${familyOf(network.address)} ${Buffer.from(address).toString('hex')}/${network.prefixLength}`
}
