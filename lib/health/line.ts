import type { Address } from '../address.js'
import { XdplbError } from '../errors.js'
import { Netlink } from '../net/netlink/netlink.js'
import type { Attempt } from './check.js'

/** What this machine can be asked about its own cables. */
export class Line implements Disposable {
  #netlink: Netlink | undefined
  // What was found holds for one turn of the event loop: checks of one real, and of all behind a cable, fail together.
  readonly #interfaces = new Map<Address, number | undefined>()
  readonly #severed = new Map<number, string | undefined>()

  /** So that it can be asked also when checks have taken all descriptors that there are. */
  open(): void {
    this.#netlink ??= Netlink.open()
  }

  /**
   * What a failure to reach an address is worth. A machine whose own cable is pulled can say nothing of others: it
   * would find them all dead, and come back to an address that nobody stands behind.
   */
  excuse(attempt: Attempt, address: Address): Attempt {
    if (attempt.outcome !== 'failure') return attempt
    const severed = this.#severedInterface(address)
    return severed === undefined
      ? attempt
      : { outcome: 'untried', reason: `${severed} has no carrier`, timedOut: false }
  }

  close(): void {
    this.#netlink?.close()
    this.#netlink = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** The interface that leads to an address, if it has no carrier. */
  #severedInterface(address: Address): string | undefined {
    const ifindex = this.#once(this.#interfaces, address, netlink => netlink.routeTo(address)?.ifindex)
    if (ifindex === undefined) return undefined
    return this.#once(this.#severed, ifindex, netlink => {
      const link = netlink.link(ifindex)
      return link?.running === false ? link.name : undefined
    })
  }

  #once<K, V>(found: Map<K, V>, key: K, find: (netlink: Netlink) => V): V | undefined {
    if (this.#netlink === undefined) throw new XdplbError('CLOSED', 'ask for a carrier: the line is closed')
    if (found.has(key)) return found.get(key)
    const value = find(this.#netlink)
    if (found.size === 0) setImmediate(() => found.clear())
    found.set(key, value)
    return value
  }
}
