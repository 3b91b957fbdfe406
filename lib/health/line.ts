import type { Address } from '../address.js'
import { Netlink } from '../net/netlink/netlink.js'
import type { Attempt } from './check.js'

/** What this machine can be asked about its own cables. */
export class Line implements Disposable {
  #netlink: Netlink | undefined
  /** Holds for one turn of the event loop: the checks of a dead real, and of all behind a cable, fail together. */
  readonly #severed = new Map<Address, string | undefined>()

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
    if (this.#severed.has(address)) return this.#severed.get(address)
    this.#netlink ??= Netlink.open()
    const route = this.#netlink.routeTo(address)
    const link = route && this.#netlink.link(route.ifindex)
    const severed = link?.running === false ? link.name : undefined
    if (this.#severed.size === 0) setImmediate(() => this.#severed.clear())
    this.#severed.set(address, severed)
    return severed
  }
}
