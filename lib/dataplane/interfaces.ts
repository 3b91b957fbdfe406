import { EventEmitter } from 'node:events'
import { XdplbError } from '../errors.js'
import { type AttachMode, type Link as BpfLink, queryXdp } from '../libbpf/index.js'
import type { Mac } from '../net/mac.js'
import type { Change, NetlinkEvents } from '../net/netlink/events.js'
import type { Link } from '../net/netlink/link.js'
import type { Netlink } from '../net/netlink/netlink.js'
import type { InterfaceStatus } from '../status.js'
import { attach, detach } from './attachment.js'
import { hiddenTags } from './hidden-tags.js'
import { mapLayouts, type Port } from './layout.gen.js'
import type { LoadedProgram } from './load.js'
import type { PinDirectory } from './pins.js'
import { Ports } from './ports.js'
import { Stations } from './stations.js'
import type { StructArray } from './struct-array.js'
import { tagStripping } from './tag-stripping.js'
import { vlanStackOf } from './vlan-stack.js'

interface Attached {
  readonly link: BpfLink
  readonly ifindex: number
  readonly mac: Mac
  /** The ports of a bond, by index: what comes in names them, the program is the bond's (Linux 5.15). */
  readonly members: Set<number>
}

/**
 * The interfaces that the program sits on; for a VLAN, the device below it. One that is deleted is waited for, and
 * attached to again when it comes back; one whose MAC address changes is followed, and so is a bond to which ports are
 * added and from which they go, and VLANs that come and go.
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
  readonly #ports: Ports
  readonly #stations: Stations
  readonly #attached = new Map<string, Attached | undefined>()
  /** Those that a former process sat on. */
  readonly #former: readonly string[]
  #learning: NodeJS.Immediate | undefined
  readonly #onLink = (link: Link, change: Change) => this.#follow(link, change)
  readonly #onOverrun = () => this.#followAll()

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
    this.#former = pins.linkedInterfaces()
    const { egress, stations } = mapLayouts
    this.#ports = new Ports(ports, loaded.map('egress').typed({ key: egress.key, value: egress.value }))
    this.#stations = new Stations(loaded.map('stations').typed({ key: stations.key, value: stations.value }))
    events.on('link', this.#onLink).on('overrun', this.#onOverrun)
  }

  /**
   * Attaches to these, to the devices of those that are VLANs, and to no others: links that a former process left on
   * others go. Throws `NOT_FOUND`, and `UNSUPPORTED` for VLANs that the program cannot tell.
   */
  attach(names: readonly string[]): void {
    const devices = new Map(names.map(name => this.#deviceOf(name)).map(device => [device.name, device]))
    for (const name of this.#pins.linkedInterfaces()) if (!devices.has(name)) this.#leave(name)
    for (const device of devices.values()) this.#attach(device)
    this.#learnStations()
  }

  /**
   * Sits also on this one, or on its device, before it returns. What is in the way of that is told as an `error`; it is
   * tried again when something about the device changes.
   */
  reach(name: string): void {
    try {
      const device = this.#deviceOf(name)
      if (!this.#attached.has(device.name)) this.#attached.set(device.name, undefined)
      this.#followOne(device, 'set')
    } catch (error) {
      this.emit('error', error)
    }
  }

  /** Sits where a former process did, as far as that is there, and nowhere else. */
  restore(): void {
    for (const [name, attached] of this.#attached)
      if (attached && !this.#former.includes(name)) {
        attached.link.detach()
        this.#lose(name, attached)
      }
    const linked = this.#pins.linkedInterfaces()
    for (const name of this.#former) if (!linked.includes(name)) this.reach(name)
  }

  /** Does the program sit on the device of this index? */
  has(ifindex: number): boolean {
    return [...this.#attached.values()].some(attached => attached?.ifindex === ifindex)
  }

  status(): InterfaceStatus[] {
    return [...this.#attached.keys()].map(name => this.#statusOf(name))
  }

  /** Why the program does not see the VLAN tags of all frames: `hiddenTags()`. */
  hiddenTags(names: readonly string[] = [...this.#attached.keys()]): string[] {
    return hiddenTags(names, this.#netlink.links(), name => tagStripping(name) !== 'no')
  }

  /** Takes the program off its interfaces at once; a link that only loses its last holder does so some moments later. */
  detach(): void {
    for (const attached of this.#attached.values()) attached?.link.detach()
    this.#ports.restore()
  }

  /** Lets go of the links; they stay pinned, and the program stays attached. */
  close(): void {
    this.#events.off('link', this.#onLink).off('overrun', this.#onOverrun)
    clearImmediate(this.#learning)
    for (const attached of this.#attached.values()) attached?.link.close()
    this.#attached.clear()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #deviceOf(name: string): Link {
    const link = this.#netlink.link(name)
    if (link === undefined)
      throw new XdplbError('NOT_FOUND', `attach to interface: ${name}: no such interface`)
    const stack = vlanStackOf(link, ifindex => this.#netlink.link(ifindex))
    if ('reason' in stack)
      throw new XdplbError('UNSUPPORTED', `attach to interface: ${name}: ${stack.reason}`)
    return stack.device
  }

  #attach(link: Link): void {
    const { index: ifindex, name, mac } = link
    if (mac === undefined) {
      throw new XdplbError(
        'UNSUPPORTED',
        `attach to interface: ${name}: not Ethernet, expected an Ethernet interface`,
      )
    }
    this.#ports.open({ name, ifindex, mac, egress: ifindex })
    const attached = { link: this.#hold(name, ifindex), ifindex, mac, members: new Set<number>() }
    this.#attached.set(name, attached)
    this.#ports.restrain(ifindex)
    for (const port of this.#netlink.links()) this.#join(port, attached)
    this.emit('change', this.#statusOf(name))
  }

  #hold(name: string, ifindex: number): BpfLink {
    try {
      return attach(this.#loaded.program, this.#pins, { name, ifindex, mode: this.#mode })
    } catch (error) {
      this.#ports.close(ifindex)
      throw error
    }
  }

  /** A former process sat there: on the interface, and if that is a bond, on its ports. */
  #leave(former: string): void {
    const links = this.#netlink.links()
    const device = links.find(({ name }) => name === former)
    const left = device && [device, ...links.filter(({ master }) => master === device.index)]
    for (const { name, index: ifindex } of left ?? []) {
      this.#ports.takeOver({ name, ifindex })
      this.#ports.close(ifindex)
    }
    detach(this.#pins, former)
  }

  #follow(link: Link, change: Change): void {
    try {
      for (const attached of this.#attached.values()) {
        if (attached) this.#followMember(link, change, attached)
      }
      if (this.#attached.has(link.name)) this.#followOne(link, change)
      if (link.vlan) this.#learnSoon()
    } catch (error) {
      this.emit('error', error)
    }
  }

  /** After events that were lost, as if each interface had just been told of: those that have gone first. */
  #followAll(): void {
    const links = this.#netlink.links()
    const there = new Set(links.map(({ index }) => index))
    for (const [name, attached] of this.#attached) {
      if (attached === undefined) continue
      if (isSevered(attached) || !there.has(attached.ifindex)) this.#lose(name, attached)
      else for (const member of attached.members) if (!there.has(member)) this.#part(member, attached)
    }
    for (const link of links) this.#follow(link, 'set')
    this.#learnSoon()
  }

  #followOne(link: Link, change: Change): void {
    const attached = this.#attached.get(link.name)
    if (attached && (change === 'deleted' || link.index !== attached.ifindex)) this.#lose(link.name, attached)
    if (change === 'deleted') return
    if (this.#attached.get(link.name) === undefined) this.#attach(link)
    else if (attached && link.mac !== undefined && link.mac !== attached.mac) this.#readdress(link, attached)
    else return
    this.#learnSoon()
  }

  #followMember(link: Link, change: Change, attached: Attached): void {
    if (change === 'set' && link.master === attached.ifindex) this.#join(link, attached)
    else this.#part(link.index, attached)
  }

  #part(index: number, { members }: Attached): void {
    if (members.delete(index)) this.#ports.close(index)
  }

  #join({ name, index, master }: Link, { ifindex, mac, members }: Attached): void {
    if (master !== ifindex) return
    this.#ports.open({ name, ifindex: index, mac, egress: ifindex })
    this.#ports.restrain(index)
    members.add(index)
  }

  /** Once for all that there is to hear now: VLANs are made by the hundred. */
  #learnSoon(): void {
    this.#learning ??= setImmediate(() => {
      this.#learning = undefined
      try {
        this.#learnStations()
      } catch (error) {
        this.emit('error', error)
      }
    })
  }

  #learnStations(): void {
    const attached = [...this.#attached.values()].flatMap(one => one ?? [])
    this.#stations.learn(this.#netlink.links(), new Map(attached.map(({ ifindex, mac }) => [ifindex, mac])))
  }

  #lose(name: string, { link, ifindex, members }: Attached): void {
    link.close()
    this.#pins.remove(this.#pins.ofLink(name))
    for (const index of [ifindex, ...members]) this.#ports.close(index)
    this.#attached.set(name, undefined)
    this.emit('change', this.#statusOf(name))
  }

  #readdress({ name, mac }: Link, attached: Attached): void {
    if (mac === undefined) return
    const { ifindex, members } = attached
    for (const index of [ifindex, ...members])
      this.#ports.open({ name, ifindex: index, mac, egress: ifindex })
    this.#attached.set(name, { ...attached, mac })
  }

  #statusOf(name: string): InterfaceStatus {
    const attached = this.#attached.get(name)
    if (attached === undefined) return { name, state: 'missing' }
    const { ifindex, mac, members } = attached
    const isRestrained = [ifindex, ...members].some(index => this.#ports.isRestrained(index))
    const mode = queryXdp(ifindex)?.mode === 'generic' ? 'generic' : 'native'
    return {
      name,
      state: 'attached',
      mode,
      ifindex,
      mac,
      ...(isRestrained && { tagStripping: 'stopped' as const }),
    }
  }
}

/** Has its interface gone, though another one may have its name or its index by now? */
function isSevered({ link, ifindex }: Attached): boolean {
  return link.info().ifindex !== ifindex
}
