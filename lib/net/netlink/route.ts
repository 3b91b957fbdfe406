import { type Address, familyOf, parseAddress } from '../../address.js'
import type { Network } from '../../network.js'
import { AF_INET, domainOf } from '../socket.js'
import {
  asAddress,
  asAttributes,
  asNumber,
  decodePayload,
  encodeAttributes,
  fromAddress,
  fromU32,
  malformed,
} from './attribute.js'

export const RTM_NEWROUTE = 24
export const RTM_DELROUTE = 25
export const RTM_GETROUTE = 26
export const RTM_NEWRULE = 32
export const RTM_DELRULE = 33
export const RTM_NEWNEXTHOP = 104
export const RTM_DELNEXTHOP = 105

/** What becomes of a packet: sent on (`unicast`), taken by this host (`local`), or what the name says. */
export type RouteType = (typeof types)[number] | 'other'

// include/uapi/linux/rtnetlink.h, rtm_type, from 1 on
const types = ['unicast', 'local', 'broadcast', 'anycast', 'multicast'] as const

/** The way to one destination. */
export interface Route {
  type: RouteType
  /** The interface it leaves by. */
  ifindex: number
  /** The router on the way; undefined when the destination is on the link. May be IPv6 for an IPv4 destination (RFC 8950). */
  gateway: Address | undefined
  /** The source address that the kernel would choose. */
  source: Address | undefined
  /** What the route says that fits, or a router on the way said (ICMP); undefined: as much as the interface takes. */
  mtu: number | undefined
}

const RTA_DST = 1
const RTA_OIF = 4
const RTA_GATEWAY = 5
const RTA_PREFSRC = 7
const RTA_METRICS = 8
const RTA_VIA = 18
const RTAX_MTU = 2

const RTMSG_SIZE = 12
const VIA_FAMILY_SIZE = 2

/** Asks for the way to a destination, on one interface if `oif` says so. */
export function encodeRouteQuery(destination: Address, oif?: number): Buffer {
  const header = Buffer.alloc(RTMSG_SIZE)
  header.writeUInt8(domainOf(destination), 0)
  header.writeUInt8(familyOf(destination) === 4 ? 32 : 128, 1)
  const attributes = encodeAttributes([
    [RTA_DST, fromAddress(destination)],
    [RTA_OIF, oif === undefined ? undefined : fromU32(oif)],
  ])
  return Buffer.concat([header, attributes])
}

/** What a route leads to: everything, if it is a default route. */
export function decodeRouteDestination(payload: Buffer): Network {
  const { header, attributes } = decodePayload(payload, RTMSG_SIZE)
  const everything = parseAddress(header.readUInt8(0) === AF_INET ? '0.0.0.0' : '::')
  return { address: asAddress(attributes.get(RTA_DST)) ?? everything, prefixLength: header.readUInt8(1) }
}

export function decodeRoute(payload: Buffer): Route {
  const { header, attributes } = decodePayload(payload, RTMSG_SIZE)
  const ifindex = asNumber(attributes.get(RTA_OIF))
  if (ifindex === undefined) throw malformed('route: no interface, expected one')
  return {
    type: types[header.readUInt8(7) - 1] ?? 'other',
    ifindex,
    gateway:
      asAddress(attributes.get(RTA_GATEWAY)) ?? asAddress(attributes.get(RTA_VIA)?.subarray(VIA_FAMILY_SIZE)),
    source: asAddress(attributes.get(RTA_PREFSRC)),
    mtu: asNumber(asAttributes(attributes.get(RTA_METRICS))?.get(RTAX_MTU)),
  }
}
