import { EventEmitter } from 'node:events'
import type { Address } from '../address.js'
import { XdplbError } from '../errors.js'
import { macBytes } from '../net/mac.js'
import type { Change, NetlinkEvents } from '../net/netlink/events.js'
import type { Link } from '../net/netlink/link.js'
import type { Neighbour } from '../net/netlink/neighbour.js'
import type { Netlink } from '../net/netlink/netlink.js'
import type { Route } from '../net/netlink/route.js'
import { mode } from './layout.gen.js'
import { type NextHop, nowhere } from './real-table.js'
import { vlanStackOf } from './vlan-stack.js'

/** Why nothing can be sent to a real. */
export interface Obstacle {
  readonly reason: string
  /** `pending`: being asked, wait a moment; `lasting`: no waiting will cure it. */
  readonly kind: 'pending' | 'passing' | 'lasting'
}

/** The way to a real, or why there is none. */
export type Resolution = { readonly hop: NextHop; readonly interface: string } | Obstacle

/** Routes have no event of their own here, and kernels before 5.16 keep no neighbour alive: look again this often. */
const LOOK_AGAIN_MS = 3000

/** More than any packet has. */
const MOST_MTU = 0xffff

/** An answer, and what it stands on. */
interface Finding {
  resolution: Resolution
  /** The interface that the kernel asks for the MAC address on. */
  ifindex: number | undefined
  /** What the way goes over. */
  links: readonly Link[]
}

interface Tracked extends Finding {
  users: number
}

/** Who knows the way to reals, and tells of changes to it. */
export interface Resolver extends EventEmitter<{ change: [address: Address, resolution: Resolution] }> {
  /** Begins to resolve a real's address; the answer may come at once or as a `change`. Once for each user of it. */
  track(address: Address): Resolution
  /** Ends what one `track()` began. */
  untrack(address: Address): void
  /** The answer as it is now. */
  resolution(address: Address): Resolution
}

/**
 * Which MAC address and interface lead to each real. The kernel resolves them, keeps them resolved and tells of
 * changes; nothing is looked up per packet.
 */
export class NextHops
  extends EventEmitter<{ change: [address: Address, resolution: Resolution] }>
  implements Resolver, Disposable
{
  readonly #netlink: Netlink
  readonly #tracked = new Map<Address, Tracked>()
  readonly #timer: NodeJS.Timeout
  readonly #unsubscribe: () => void

  constructor(netlink: Netlink, events: NetlinkEvents) {
    super()
    this.#netlink = netlink
    this.#timer = setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS)
    this.#timer.unref()
    const listeners = {
      neighbour: ({ address }: Neighbour) => this.#refresh(address),
      link: (link: Link, change: Change) => this.#refreshAll(tracked => isConcerned(tracked, link, change)),
      address: () => this.#lookAgain(),
      overrun: () => this.#refreshAll(() => true),
    }
    const { neighbour, link, address, overrun } = listeners
    events.on('neighbour', neighbour).on('link', link).on('address', address).on('overrun', overrun)
    this.#unsubscribe = () => {
      events.off('neighbour', neighbour).off('link', link).off('address', address).off('overrun', overrun)
    }
  }

  track(address: Address): Resolution {
    const known = this.#tracked.get(address)
    if (known) {
      known.users++
      return known.resolution
    }
    const finding = this.#resolve(address)
    this.#tracked.set(address, { ...finding, users: 1 })
    return finding.resolution
  }

  untrack(address: Address): void {
    const tracked = this.#tracked.get(address)
    if (tracked === undefined || --tracked.users > 0) return
    this.#tracked.delete(address)
    if (tracked.ifindex !== undefined) this.#netlink.unmanageNeighbour({ ifindex: tracked.ifindex, address })
  }

  resolution(address: Address): Resolution {
    return this.#tracked.get(address)?.resolution ?? passing('not tracked')
  }

  /** Is any real still being asked for its MAC address? */
  isPending(): boolean {
    return [...this.#tracked.values()].some(({ resolution }) => isPending(resolution))
  }

  /** Those that lead to the reals; some may be VLANs. */
  interfaces(): string[] {
    const names = [...this.#tracked.values()].flatMap(({ resolution }) =>
      'hop' in resolution && resolution.hop.mode !== mode.local ? [resolution.interface] : [],
    )
    return [...new Set(names)]
  }

  close(): void {
    clearInterval(this.#timer)
    this.#unsubscribe()
    for (const [address, { ifindex }] of this.#tracked) {
      if (ifindex !== undefined) this.#netlink.unmanageNeighbour({ ifindex, address })
    }
    this.#tracked.clear()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #refreshAll(which: (tracked: Tracked) => boolean): void {
    for (const [address, tracked] of this.#tracked) if (which(tracked)) this.#refresh(address)
  }

  #lookAgain(): void {
    this.#refreshAll(({ resolution }) => !('hop' in resolution))
  }

  #refresh(address: Address): void {
    const tracked = this.#tracked.get(address)
    if (tracked === undefined) return
    const { resolution, ...rest } = this.#resolve(address)
    Object.assign(tracked, rest)
    // a question that was asked again takes nothing away until it is answered
    if (isPending(resolution) || isSame(tracked.resolution, resolution)) return
    tracked.resolution = resolution
    this.emit('change', address, resolution)
  }

  #resolve(address: Address): Finding {
    const route = this.#netlink.routeTo(address)
    if (route === undefined) return unfounded(passing('no route leads to it'))
    if (route.type === 'local') return unfounded({ hop: hopToSelf(route), interface: 'lo' })
    const obstacle = obstacleOf(route)
    if (obstacle) return unfounded(obstacle)
    const { ifindex } = route
    const link = this.#netlink.link(ifindex)
    if (link?.mac === undefined)
      return unfounded(passing(`${link?.name ?? `interface ${ifindex}`} is not an Ethernet interface`))
    const stack = vlanStackOf(link, below => this.#netlink.link(below))
    if ('reason' in stack) return unfounded({ ...stack, kind: 'lasting' })
    const { links } = stack
    this.#manage(ifindex, address)
    const neighbour = this.#netlink.neighbour({ ifindex, address })
    if (neighbour?.mac === undefined) return { resolution: unanswered(neighbour, link.name), ifindex, links }
    const hop: NextHop = {
      ...nowhere,
      destinationMac: macBytes(neighbour.mac),
      sourceMac: macBytes(link.mac),
      ifindex: stack.device.index,
      tags: stack.tags,
      mtu: Math.min(link.mtu, MOST_MTU),
    }
    return { resolution: { hop, interface: link.name }, ifindex, links }
  }

  /** A neighbour that cannot be asked for now (interface down, table full) is one that is not resolved. */
  #manage(ifindex: number, address: Address): void {
    if (this.#netlink.neighbour({ ifindex, address })?.managed) return
    try {
      this.#netlink.manageNeighbour({ ifindex, address })
    } catch (error) {
      if (!(error instanceof XdplbError) || error.code === 'PERMISSION') throw error
    }
  }
}

/** Has the question for the MAC address not been answered yet? */
export function isPending(resolution: Resolution): boolean {
  return !('hop' in resolution) && resolution.kind === 'pending'
}

/** An answer that no interface is asked for. */
function unfounded(resolution: Resolution): Finding {
  return { resolution, ifindex: undefined, links: [] }
}

function passing(reason: string): Obstacle {
  return { reason, kind: 'passing' }
}

function unanswered(neighbour: Neighbour | undefined, interfaceName: string): Obstacle {
  if (neighbour?.state === 'incomplete')
    return { reason: 'its MAC address is being asked for', kind: 'pending' }
  return passing(`nobody on ${interfaceName} answers when asked for its MAC address`)
}

/** This host is a real server itself: its packets go up the stack. */
function hopToSelf({ ifindex }: Route): NextHop {
  return { ...nowhere, ifindex, mode: mode.local }
}

/** Direct routing hands the frame to the real itself: a router on the way would get it instead. */
function obstacleOf(route: Route): Obstacle | undefined {
  if (route.gateway !== undefined) {
    const reason = `it is behind the router ${route.gateway}, and direct routing needs it on a network of this host`
    return { reason, kind: 'lasting' }
  }
  return route.type === 'unicast' ? undefined : { reason: `it is a ${route.type} address`, kind: 'lasting' }
}

/** May a change to this interface change the way? */
function isConcerned({ resolution, links }: Tracked, link: Link, change: Change): boolean {
  if (!('hop' in resolution)) return true
  const before = links.find(({ index }) => index === link.index)
  if (before === undefined) return false
  return change === 'deleted' || !link.up || link.mac !== before.mac || link.mtu !== before.mtu
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function isSame(a: Resolution, b: Resolution): boolean {
  if ('reason' in a || 'reason' in b) return 'reason' in a && 'reason' in b && a.reason === b.reason
  return (
    a.hop.ifindex === b.hop.ifindex &&
    a.hop.tags === b.hop.tags &&
    a.hop.mode === b.hop.mode &&
    a.hop.mtu === b.hop.mtu &&
    isEqual(a.hop.destinationMac, b.hop.destinationMac) &&
    isEqual(a.hop.sourceMac, b.hop.sourceMac)
  )
}
