import { EventEmitter } from 'node:events'
import { XdplbError } from '../errors.js'
import { type AttachMode, type Link as BpfLink, type BpfMap, queryXdp } from '../libbpf/index.js'
import { macBytes } from '../net/mac.js'
import type { Change, NetlinkEvents } from '../net/netlink/events.js'
import type { Link } from '../net/netlink/link.js'
import type { Netlink } from '../net/netlink/netlink.js'
import type { InterfaceStatus } from '../status.js'
import { attach } from './attachment.js'
import { limit, mapLayouts, type Port } from './layout.gen.js'
import type { LoadedProgram } from './load.js'
import type { PinDirectory } from './pins.js'
import type { StructArray } from './struct-array.js'

const NO_PORT: Port = { mac: new Uint8Array(6), ifindex: 0, egress: 0 }

interface Attached {
  readonly link: BpfLink
  readonly ifindex: number
  readonly mac: string
}

/**
 * The interfaces that the program sits on. One that is deleted is waited for, and attached to again when it comes
 * back; one whose MAC address changes is followed.
 */
export class Interfaces
  extends EventEmitter<{ change: [InterfaceStatus]; error: [unknown] }>
  implements Disposable
{
  readonly #loaded: LoadedProgram
  readonly #pins: PinDirectory
  readonly #netlink: Netlink
  readonly #events: NetlinkEvents
  readonly #mode: AttachMode
  readonly #ports: StructArray<Port>
  readonly #egress
  readonly #attached = new Map<string, Attached | undefined>()
  readonly #onLink = (link: Link, change: Change) => this.#follow(link, change)

  constructor(
    loaded: LoadedProgram,
    ports: StructArray<Port>,
    {
      pins,
      netlink,
      events,
      mode,
    }: { pins: PinDirectory; netlink: Netlink; events: NetlinkEvents; mode: AttachMode },
  ) {
    super()
    this.#loaded = loaded
    this.#pins = pins
    this.#netlink = netlink
    this.#events = events
    this.#mode = mode
    this.#ports = ports
    const egress: BpfMap = loaded.map('egress')
    this.#egress = egress.typed({ key: mapLayouts.egress.key, value: mapLayouts.egress.value })
    events.on('link', this.#onLink)
  }

  /** Attaches to these and to no others: links that a former process left on others go. Throws `NOT_FOUND`. */
  attach(names: readonly string[]): void {
    for (const name of this.#pins.linkedInterfaces()) {
      if (!names.includes(name)) this.#pins.remove(this.#pins.ofLink(name))
    }
    for (const name of names) {
      const link = this.#netlink.link(name)
      if (link === undefined)
        throw new XdplbError('NOT_FOUND', `attach to interface: ${name}: no such interface`)
      this.#attach(link)
    }
  }

  status(): InterfaceStatus[] {
    return [...this.#attached.keys()].map(name => this.#statusOf(name))
  }

  /** Takes the program off its interfaces at once; a link that only loses its last holder does so some moments later. */
  detach(): void {
    for (const attached of this.#attached.values()) attached?.link.detach()
  }

  /** Lets go of the links; they stay pinned, and the program stays attached. */
  close(): void {
    this.#events.off('link', this.#onLink)
    for (const attached of this.#attached.values()) attached?.link.close()
    this.#attached.clear()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #attach(link: Link): void {
    const { index: ifindex, name, mac } = link
    if (mac === undefined) {
      throw new XdplbError(
        'UNSUPPORTED',
        `attach to interface: ${name}: not Ethernet, expected an Ethernet interface`,
      )
    }
    const slot = ifindex % limit.ports
    const holder = this.#ports.read(slot).ifindex
    const isTaken = [...this.#attached.values()].some(
      other => other?.ifindex === holder && holder !== ifindex,
    )
    if (isTaken) {
      const found = `its index ${ifindex} and the index ${holder} of another interface are equal modulo ${limit.ports}`
      throw new XdplbError('UNSUPPORTED', `attach to interface: ${name}: ${found}, expected them to differ`)
    }
    this.#ports.write(slot, { mac: macBytes(mac), ifindex, egress: ifindex })
    this.#egress.update(ifindex, ifindex)
    const held = attach(this.#loaded.program, this.#pins, { name, ifindex, mode: this.#mode })
    this.#attached.set(name, { link: held, ifindex, mac })
    this.emit('change', this.#statusOf(name))
  }

  #follow(link: Link, change: Change): void {
    if (!this.#attached.has(link.name)) return
    const attached = this.#attached.get(link.name)
    try {
      if (attached && (change === 'deleted' || link.index !== attached.ifindex))
        this.#lose(link.name, attached)
      if (change === 'deleted') return
      if (this.#attached.get(link.name) === undefined) this.#attach(link)
      else if (attached && link.mac !== undefined && link.mac !== attached.mac)
        this.#readdress(link, attached)
    } catch (error) {
      this.emit('error', error)
    }
  }

  #lose(name: string, { link, ifindex }: Attached): void {
    link.close()
    this.#pins.remove(this.#pins.ofLink(name))
    this.#ports.write(ifindex % limit.ports, NO_PORT)
    this.#egress.delete(ifindex)
    this.#attached.set(name, undefined)
    this.emit('change', this.#statusOf(name))
  }

  #readdress({ name, mac }: Link, attached: Attached): void {
    if (mac === undefined) return
    this.#ports.update(attached.ifindex % limit.ports, { mac: macBytes(mac) })
    this.#attached.set(name, { ...attached, mac })
  }

  #statusOf(name: string): InterfaceStatus {
    const attached = this.#attached.get(name)
    if (attached === undefined) return { name, state: 'missing' }
    const { ifindex, mac } = attached
    const mode = queryXdp(ifindex)?.mode === 'generic' ? 'generic' : 'native'
    return { name, state: 'attached', mode, ifindex, mac }
  }
}
