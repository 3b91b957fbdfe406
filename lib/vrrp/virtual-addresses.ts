import { EventEmitter } from 'node:events'
import { type Address, familyOf } from '../address.js'
import { encodeGratuitousArp } from '../net/arp.js'
import { FrameSocket } from '../net/frame-socket.js'
import type { InterfaceAddress } from '../net/netlink/address.js'
import type { Change, NetlinkEvents } from '../net/netlink/events.js'
import { ourAddresses } from '../net/netlink/marks.js'
import type { Netlink } from '../net/netlink/netlink.js'

/** An entry of `virtual_ipaddress`. */
export interface VirtualAddress {
  readonly interface: string
  readonly address: Address
  readonly prefixLength: number
}

/**
 * The virtual addresses of one instance: put on their interfaces, announced to the segment, taken away. One that
 * somebody else had put there stays when the others go; one that a dead predecessor had put there counts as ours.
 */
export class VirtualAddresses extends EventEmitter<{ lost: [Address] }> implements Disposable {
  readonly #addresses: readonly VirtualAddress[]
  readonly #netlink: Netlink
  readonly #events: NetlinkEvents
  readonly #frames = FrameSocket.open()
  readonly #onAddress = (found: InterfaceAddress, change: Change) => this.#notice(found, change)
  readonly #onOverrun = () => this.#lookForLost()
  #wanted = false

  constructor(addresses: readonly VirtualAddress[], netlink: Netlink, events: NetlinkEvents) {
    super()
    this.#addresses = addresses
    this.#netlink = netlink
    this.#events = events
    events.on('address', this.#onAddress).on('overrun', this.#onOverrun)
  }

  /** Did a process before this one leave any of them? */
  get areInherited(): boolean {
    return this.#addresses.some(virtual => this.#isOurs(virtual))
  }

  /** Puts those that are not there on their interfaces; an interface that is not there gets none. */
  put(): void {
    this.#wanted = true
    for (const { address, prefixLength, ifindex } of this.#onInterfaces()) {
      this.#netlink.addAddress({ address, prefixLength, ifindex })
    }
  }

  /** Takes away those that are ours. */
  take(): void {
    this.#wanted = false
    for (const virtual of this.#onInterfaces()) {
      if (this.#isOurs(virtual)) this.#netlink.deleteAddress(virtual)
    }
  }

  /** Tells the segment where they live: all of them, so many times over. */
  announce(times: number): void {
    for (let pass = 0; pass < times; pass++) {
      for (const { address, interface: device } of this.#addresses) this.announceOn(device, address)
    }
  }

  /** Gratuitous ARP for one address; nothing where that is not possible. */
  announceOn(device: string, address: Address): void {
    const link = this.#netlink.link(device)
    if (link?.mac === undefined || !link.running || familyOf(address) !== 4) return
    this.#frames.send(link.index, encodeGratuitousArp({ address, mac: link.mac }))
  }

  close(): void {
    this.#events.off('address', this.#onAddress).off('overrun', this.#onOverrun)
    this.#frames.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #onInterfaces() {
    return this.#addresses.flatMap(virtual => {
      const link = this.#netlink.link(virtual.interface)
      return link ? [{ ...virtual, ifindex: link.index }] : []
    })
  }

  #isOurs({ interface: device, address }: VirtualAddress): boolean {
    const link = this.#netlink.link(device)
    if (link === undefined) return false
    const ours = ourAddresses(this.#netlink.addresses())
    return ours.some(found => found.ifindex === link.index && found.address === address)
  }

  /** Somebody took an address away that is to be there. */
  #notice({ address }: InterfaceAddress, change: Change): void {
    const isOne = this.#addresses.some(virtual => virtual.address === address)
    if (this.#wanted && change === 'deleted' && isOne) this.emit('lost', address)
  }

  /** The same, where the event of it was lost. */
  #lookForLost(): void {
    if (!this.#wanted) return
    const found = this.#netlink.addresses()
    for (const { address, ifindex } of this.#onInterfaces()) {
      if (!found.some(one => one.address === address && one.ifindex === ifindex)) this.emit('lost', address)
    }
  }
}
