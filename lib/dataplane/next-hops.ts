import { EventEmitter } from 'node:events'
import { XdplbError } from '../errors.js'
import type { Change, NetlinkEvents } from '../net/netlink/events.js'
import type { Link } from '../net/netlink/link.js'
import type { Neighbour, NeighbourKey } from '../net/netlink/neighbour.js'
import type { Netlink } from '../net/netlink/netlink.js'
import type { PathMtuEvents } from '../net/path-mtu.js'
import { type Network, parseNetwork } from '../network.js'
import { NetworkSet } from './network-set.js'
import { vlanStackOf } from './vlan-stack.js'
import {
  type Destination,
  type EthernetLink,
  hopBy,
  hopToSelf,
  isPending,
  isSameWay,
  leadsBy,
  obstacleOn,
  passing,
  type Resolution,
  unanswered,
} from './way.js'

/** Kernels before 5.16 keep no neighbour alive, and what is in the way may go: look again this often. */
const LOOK_AGAIN_MS = 3000

/**
 * Routes come and go by the dozen, and those over a nexthop object a moment after the event of it: wait so long from
 * the first change on.
 */
const ROUTES_SETTLE_MS = 200

const everything = ['0.0.0.0/0', '::/0'].map(parseNetwork)

/** What a router said of its MTU is forgotten by the kernel, without an event. */
const RENEW_MS = 60_000

/** An answer, and what it stands on. */
interface Finding {
  readonly resolution: Resolution
  /** Who has it next: the real itself, or a router. */
  readonly neighbour?: NeighbourKey
  /** What the way goes over. */
  readonly links?: readonly Link[]
}

interface Tracked {
  readonly destination: Destination
  resolution: Resolution
  neighbour: NeighbourKey | undefined
  links: readonly Link[]
  users: number
}

/** Who knows the way to reals, and tells of changes to it. */
export interface Resolver
  extends EventEmitter<{ change: [destination: Destination, resolution: Resolution] }> {
  /** Begins to resolve the way to a real; the answer may come at once or as a `change`. Once for each user of it. */
  track(destination: Destination): Resolution
  /** Ends what one `track()` began. */
  untrack(destination: Destination): void
  /** The answer as it is now. */
  resolution(destination: Destination): Resolution
}

/**
 * Which MAC address and interface lead to each real. The kernel resolves them, keeps them resolved and tells of
 * changes; nothing is looked up per packet.
 */
export class NextHops
  extends EventEmitter<{ change: [destination: Destination, resolution: Resolution] }>
  implements Resolver, Disposable
{
  readonly #netlink: Netlink
  readonly #tracked = new Map<string, Tracked>()
  /** Those whose way leads by a neighbour, by its name. */
  readonly #by = new Map<string, Set<Tracked>>()
  readonly #timers: readonly NodeJS.Timeout[]
  #settling: NodeJS.Timeout | undefined
  /** Where routes lead that have changed meanwhile. */
  #rerouted = new NetworkSet()
  readonly #unsubscribe: () => void

  constructor(netlink: Netlink, events: NetlinkEvents, paths: PathMtuEvents) {
    super()
    this.#netlink = netlink
    this.#timers = [
      setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS).unref(),
      setInterval(() => this.#lookAgain(isRouted), RENEW_MS).unref(),
    ]
    const listeners = {
      neighbour: (neighbour: Neighbour, change: Change) => this.#hear(neighbour, change),
      link: (link: Link, change: Change) => this.#refreshAll(tracked => isConcerned(tracked, link, change)),
      address: () => this.#lookAgain(),
      route: (destination: Network) => this.#settle(destination),
      routing: () => this.#settle(...everything),
      path: () => this.#settle(),
      overrun: () => this.#refreshAll(() => true),
    }
    const { neighbour, link, address, route, routing, path, overrun } = listeners
    events.on('neighbour', neighbour).on('link', link).on('address', address)
    events.on('route', route).on('nexthop', routing).on('rule', routing).on('overrun', overrun)
    paths.on('heard', path)
    this.#unsubscribe = () => {
      events.off('neighbour', neighbour).off('link', link).off('address', address)
      events.off('route', route).off('nexthop', routing).off('rule', routing).off('overrun', overrun)
      paths.off('heard', path)
    }
  }

  track({ address, forwarding }: Destination): Resolution {
    const destination = { address, forwarding }
    const known = this.#tracked.get(keyOf(destination))
    if (known) {
      known.users++
      return known.resolution
    }
    const { resolution, neighbour, links = [] } = this.#resolve(destination)
    const tracked: Tracked = { destination, resolution, neighbour: undefined, links, users: 1 }
    this.#tracked.set(keyOf(destination), tracked)
    this.#lead(tracked, neighbour)
    return resolution
  }

  untrack(destination: Destination): void {
    const tracked = this.#tracked.get(keyOf(destination))
    if (tracked === undefined || --tracked.users > 0) return
    this.#tracked.delete(keyOf(destination))
    this.#lead(tracked, undefined)
  }

  resolution(destination: Destination): Resolution {
    return this.#tracked.get(keyOf(destination))?.resolution ?? passing('not tracked')
  }

  /** Is any real still being asked for its MAC address? */
  isPending(): boolean {
    return [...this.#tracked.values()].some(({ resolution }) => isPending(resolution))
  }

  /** Those that ways to reals lead over, also where nobody has answered yet. */
  interfaces(): string[] {
    return [...new Set([...this.#tracked.values()].flatMap(({ links: [first] }) => first?.name ?? []))]
  }

  /** The answers as they are now. */
  *[Symbol.iterator](): IterableIterator<[Destination, Resolution]> {
    for (const { destination, resolution } of this.#tracked.values()) yield [destination, resolution]
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#settling)
    this.#unsubscribe()
    for (const tracked of this.#tracked.values()) this.#lead(tracked, undefined)
    this.#tracked.clear()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #refreshAll(which: (tracked: Tracked) => boolean): void {
    for (const tracked of this.#tracked.values()) if (which(tracked)) this.#refresh(tracked)
  }

  /** Looks for ways where there is none, and for better ones as asked. */
  #lookAgain(which = (_: Tracked) => false): void {
    this.#refreshAll(tracked => !('hop' in tracked.resolution) || which(tracked))
  }

  /** On the way to a router the next route may matter, whatever it leads to: only the kernel can tell. */
  #settle(...changed: readonly Network[]): void {
    for (const network of changed) this.#rerouted.add(network)
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      const rerouted = this.#rerouted
      this.#rerouted = new NetworkSet()
      this.#lookAgain(tracked => isRouted(tracked) || rerouted.covers(tracked.destination.address))
    }, ROUTES_SETTLE_MS).unref()
  }

  /** Most of what is heard of a neighbour is that it is still there. */
  #hear(neighbour: Neighbour, change: Change): void {
    const isKept = change === 'set' && neighbour.managed
    for (const tracked of this.#by.get(nameOf(neighbour)) ?? [])
      if (!isKept || !leadsBy(tracked.resolution, neighbour.mac)) this.#refresh(tracked)
  }

  #refresh(tracked: Tracked): void {
    const { destination } = tracked
    const { resolution, neighbour, links = [] } = this.#resolve(destination)
    this.#lead(tracked, neighbour)
    tracked.links = links
    // a question that was asked again takes nothing away until it is answered
    if (isPending(resolution) || isSameWay(tracked.resolution, resolution)) return
    tracked.resolution = resolution
    this.emit('change', destination, resolution)
  }

  /** The way leads by this neighbour from now on. One that no way leads by is left to the kernel's ordinary care. */
  #lead(tracked: Tracked, neighbour: NeighbourKey | undefined): void {
    const before = tracked.neighbour
    if (neighbour) {
      const others = this.#by.get(nameOf(neighbour)) ?? new Set()
      this.#by.set(nameOf(neighbour), others.add(tracked))
    }
    tracked.neighbour = neighbour
    if (before === undefined || (neighbour && nameOf(neighbour) === nameOf(before))) return
    const left = this.#by.get(nameOf(before))
    left?.delete(tracked)
    if (left?.size !== 0) return
    this.#by.delete(nameOf(before))
    this.#netlink.unmanageNeighbour(before)
  }

  #resolve(destination: Destination): Finding {
    const { address, forwarding } = destination
    const route = this.#netlink.routeTo(address)
    if (route === undefined) return { resolution: passing('no route leads to it') }
    if (route.type === 'local') return { resolution: { hop: hopToSelf(route), interface: 'lo' } }
    const obstacle = obstacleOn(route, forwarding)
    if (obstacle) return { resolution: obstacle }
    const { ifindex, gateway } = route
    const link = this.#netlink.link(ifindex)
    if (!isEthernet(link))
      return { resolution: passing(`${link?.name ?? `interface ${ifindex}`} is not an Ethernet interface`) }
    const stack = vlanStackOf(link, below => this.#netlink.link(below))
    if ('reason' in stack) return { resolution: passing(stack.reason) }
    const { links } = stack
    const key = { ifindex, address: gateway ?? address }
    this.#manage(key)
    const neighbour = this.#netlink.neighbour(key)
    if (neighbour?.mac === undefined)
      return { resolution: unanswered(route, neighbour, link.name), neighbour: key, links }
    const hop = hopBy(route, { link, stack, neighbourMac: neighbour.mac }, destination)
    return { resolution: { hop, interface: link.name }, neighbour: key, links }
  }

  /** A neighbour that cannot be asked for now (interface down, table full) is one that is not resolved. */
  #manage(key: NeighbourKey): void {
    if (this.#netlink.neighbour(key)?.managed) return
    try {
      this.#netlink.manageNeighbour(key)
    } catch (error) {
      if (!(error instanceof XdplbError) || error.code === 'PERMISSION') throw error
    }
  }
}

/** May there be routers on the way? */
function isRouted({ destination }: Tracked): boolean {
  return destination.forwarding === 'tun'
}

function keyOf({ address, forwarding }: Destination): string {
  return `${forwarding} ${address}`
}

function nameOf({ address, ifindex }: NeighbourKey): string {
  return `${address} ${ifindex}`
}

function isEthernet(link: Link | undefined): link is EthernetLink {
  return link?.mac !== undefined
}

/** May a change to this interface change the way? */
function isConcerned({ resolution, links }: Tracked, link: Link, change: Change): boolean {
  if (!('hop' in resolution)) return true
  const before = links.find(({ index }) => index === link.index)
  if (before === undefined) return false
  return change === 'deleted' || !link.up || link.mac !== before.mac || link.mtu !== before.mtu
}
