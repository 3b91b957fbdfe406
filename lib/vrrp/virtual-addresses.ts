import { type Address, familyOf } from '../address.js'
import { XdplbError } from '../errors.js'
import { encodeGratuitousArp } from '../net/arp.js'
import { FrameSocket } from '../net/frame-socket.js'
import type { Change, NetlinkEvents } from '../net/netlink/events.js'
import type { Link } from '../net/netlink/link.js'
import { type Netlink, ourProtocol } from '../net/netlink/netlink.js'

/** An entry of `virtual_ipaddress`. */
export interface VirtualAddress {
  readonly interface: string
  readonly address: Address
  readonly prefixLength: number
}

/** keepalived's defaults: `garp_master_repeat` announcements, and as many again after `garp_master_delay`. */
const ANNOUNCEMENTS = 5
const ANNOUNCE_AGAIN_MS = 5000

/**
 * The virtual addresses that this node owns: on their interfaces, and announced to the segment. One that was there
 * before, put there by somebody else, is left where it is when the node gives the others up; one that a dead
 * predecessor had put there counts as ours.
 */
export class VirtualAddresses implements Disposable {
  readonly #netlink: Netlink
  readonly #events: NetlinkEvents
  readonly #frames = FrameSocket.open()
  readonly #owned = new Set<VirtualAddress>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #onLink = (link: Link, change: Change) => this.#restore(link, change)

  constructor(netlink: Netlink, events: NetlinkEvents) {
    this.#netlink = netlink
    this.#events = events
    events.on('link', this.#onLink)
  }

  /** Puts an address on its interface and announces it. Throws `NOT_FOUND` when there is no such interface. */
  add(virtual: VirtualAddress): void {
    const link = this.#netlink.link(virtual.interface)
    if (link === undefined) {
      throw new XdplbError(
        'NOT_FOUND',
        `add virtual address: ${virtual.address}: no interface ${virtual.interface}`,
      )
    }
    if (this.#put(virtual, link)) this.#owned.add(virtual)
    this.#announce(virtual, link)
    const again = setTimeout(() => this.#announceAgain(again, virtual), ANNOUNCE_AGAIN_MS)
    this.#timers.add(again.unref())
  }

  /** Takes back what was put there. */
  removeAll(): void {
    for (const virtual of this.#owned) {
      const link = this.#netlink.link(virtual.interface)
      if (link) this.#netlink.deleteAddress({ ...virtual, ifindex: link.index })
    }
    this.#owned.clear()
  }

  /** Stops announcing. The addresses stay: see `removeAll`. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#events.off('link', this.#onLink)
    this.#frames.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Is the address ours to take away again? */
  #put(virtual: VirtualAddress, link: Link): boolean {
    const address = { address: virtual.address, prefixLength: virtual.prefixLength, ifindex: link.index }
    if (this.#netlink.addAddress(address)) return true
    const there = this.#netlink
      .addresses({ ifindex: link.index })
      .find(found => found.address === virtual.address)
    return there?.protocol === ourProtocol
  }

  /** An interface came back, without the addresses it had. */
  #restore(link: Link, change: Change): void {
    if (change === 'deleted' || !link.up) return
    for (const virtual of this.#owned) {
      if (virtual.interface !== link.name) continue
      const { address, prefixLength } = virtual
      if (this.#netlink.addAddress({ address, prefixLength, ifindex: link.index }))
        this.#announce(virtual, link)
    }
  }

  #announceAgain(timer: NodeJS.Timeout, virtual: VirtualAddress): void {
    this.#timers.delete(timer)
    const link = this.#netlink.link(virtual.interface)
    if (link) this.#announce(virtual, link)
  }

  #announce({ address }: VirtualAddress, link: Link): void {
    if (link.mac === undefined || !link.running || familyOf(address) !== 4) return
    const frame = encodeGratuitousArp({ address, mac: link.mac })
    for (let sent = 0; sent < ANNOUNCEMENTS; sent++) this.#frames.send(link.index, frame)
  }
}
