import { type Address, addressBytes, familyOf } from '../address.js'
import { type Mac, macBytes } from '../net/mac.js'
import type { Link } from '../net/netlink/link.js'
import type { Neighbour } from '../net/netlink/neighbour.js'
import type { Route } from '../net/netlink/route.js'
import { mode } from './layout.gen.js'
import { type NextHop, nowhere } from './real-table.js'
import type { Forwarding } from './spec.js'
import type { VlanStack } from './vlan-stack.js'

/** Where packets are to get, and how. */
export interface Destination {
  readonly address: Address
  readonly forwarding: Forwarding
}

/** Why nothing can be sent to a real. */
export interface Obstacle {
  readonly reason: string
  /** `pending`: being asked, wait a moment; `passing`: until something on the network changes. */
  readonly kind: 'pending' | 'passing'
}

/** How packets get to a real. */
export interface Way {
  readonly hop: NextHop
  /** That routes lead over; for a VLAN, frames leave by the device below it. */
  readonly interface: string
}

/** The way to a real, or why there is none. */
export type Resolution = Way | Obstacle

/** More than any packet has. */
const MOST_MTU = 0xffff

/** What a tunnel puts in front of each packet, by the family of its far end. */
const outerHeaderBytes = { 4: 20, 6: 40 } as const

/** Has the question for the MAC address not been answered yet? */
export function isPending(resolution: Resolution): boolean {
  return !('hop' in resolution) && resolution.kind === 'pending'
}

export function passing(reason: string): Obstacle {
  return { reason, kind: 'passing' }
}

/** This host is a real server itself: its packets go up the stack. */
export function hopToSelf({ ifindex }: Route): NextHop {
  return { ...nowhere, ifindex, mode: mode.local }
}

export function isToSelf({ hop }: Way): boolean {
  return hop.mode === mode.local
}

/**
 * Why a route is no way. Direct routing hands the frame to the real itself: a router on the way would get it instead. A
 * tunnel needs an address of this host to come from.
 */
export function obstacleOn(route: Route, forwarding: Forwarding): Obstacle | undefined {
  if (route.type !== 'unicast') return passing(`it is a ${route.type} address`)
  if (forwarding === 'tun')
    return route.source === undefined ? passing('this host has no address to send to it from') : undefined
  if (route.gateway === undefined) return undefined
  const reason = `it is behind the router ${route.gateway}, and direct routing needs it on a network of this host`
  return passing(`${reason}; lvs_method TUN does not`)
}

/** Why the neighbour that a route leads by has no MAC address. */
export function unanswered({ gateway }: Route, neighbour: Neighbour | undefined, name: string): Obstacle {
  const what = gateway === undefined ? 'its MAC address' : `the MAC address of the router ${gateway}`
  if (neighbour?.state === 'incomplete') return { reason: `${what} is being asked for`, kind: 'pending' }
  return passing(`nobody on ${name} answers when asked for ${what}`)
}

/** A link as {@link hopBy} needs it. */
export type EthernetLink = Link & { readonly mac: Mac }

/** The way by a route, out of a link, to the neighbour with this MAC address. */
export function hopBy(
  route: Route,
  { link, stack, neighbourMac }: { link: EthernetLink; stack: VlanStack; neighbourMac: Mac },
  { address, forwarding }: Destination,
): NextHop {
  const mtu = Math.min(route.mtu ?? link.mtu, link.mtu, MOST_MTU)
  const hop = {
    ...nowhere,
    destinationMac: macBytes(neighbourMac),
    sourceMac: macBytes(link.mac),
    ifindex: stack.device.index,
    tags: stack.tags,
    mtu,
  }
  if (forwarding === 'dr' || route.source === undefined) return hop
  const family = familyOf(address)
  return {
    ...hop,
    mtu: mtu - outerHeaderBytes[family],
    mode: family === 4 ? mode.tunnel_ipv4 : mode.tunnel_ipv6,
    tunnelSource: addressBytes(route.source),
  }
}

export function isSameWay(a: Resolution, b: Resolution): boolean {
  if ('reason' in a || 'reason' in b) return 'reason' in a && 'reason' in b && a.reason === b.reason
  return (
    a.hop.ifindex === b.hop.ifindex &&
    a.hop.tags === b.hop.tags &&
    a.hop.mode === b.hop.mode &&
    a.hop.mtu === b.hop.mtu &&
    isEqual(a.hop.destinationMac, b.hop.destinationMac) &&
    isEqual(a.hop.sourceMac, b.hop.sourceMac) &&
    isEqual(a.hop.tunnelSource, b.hop.tunnelSource)
  )
}

/** Does a way lead by this MAC address? */
export function leadsBy(resolution: Resolution, mac: Mac | undefined): boolean {
  return 'hop' in resolution && mac !== undefined && isEqual(resolution.hop.destinationMac, macBytes(mac))
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
