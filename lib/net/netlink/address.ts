import type { Address } from '../../address.js'
import { AF_INET, AF_INET6, domainOf } from '../socket.js'
import {
  asAddress,
  asNumber,
  asText,
  decodePayload,
  encodeAttributes,
  fromAddress,
  fromText,
  fromU32,
} from './attribute.js'

export const RTM_NEWADDR = 20
export const RTM_DELADDR = 21
export const RTM_GETADDR = 22

/** How far an address is valid, include/uapi/linux/rtnetlink.h; numbers between these are the operator's own. */
export const scopes = { global: 0, site: 200, link: 253, host: 254 } as const satisfies Record<string, number>

/** An address on an interface. */
export interface InterfaceAddress {
  ifindex: number
  address: Address
  prefixLength: number
  /** The other end of a point-to-point link; the prefix is then that of the peer. */
  peer?: Address | undefined
  /** IPv4 only; none unless said. */
  broadcast?: Address | undefined
  /** IPv4 only: the interface's name, or that with `:` and more. */
  label?: string | undefined
  /** One of {@link scopes}. @default global; the kernel decides for IPv6 */
  scope?: number
  /** Who made it, a number of iproute2's rt_addrprotos; told by kernels from 5.18 on. */
  protocol?: number | undefined
  /** It brings no route to its prefix along. @default false */
  noPrefixRoute?: boolean
  /** IPv6: use it at once, without looking for a duplicate (RFC 4862 §5.4). @default false */
  noDad?: boolean
  /** IPv6, told only: duplicate detection is under way; the address cannot be used yet. */
  tentative?: boolean
  /** IPv6, told only: somebody else has this address. */
  dadFailed?: boolean
}

// include/uapi/linux/if_addr.h
const IFA_ADDRESS = 1
const IFA_LOCAL = 2
const IFA_LABEL = 3
const IFA_BROADCAST = 4
const IFA_FLAGS = 8
const IFA_PROTO = 11

const IFA_F_NODAD = 0x02
const IFA_F_DADFAILED = 0x08
const IFA_F_TENTATIVE = 0x40
const IFA_F_NOPREFIXROUTE = 0x200

const IFADDRMSG_SIZE = 8

/** Asks for all addresses of both families. */
export function encodeAddressQuery(): Buffer {
  return Buffer.alloc(IFADDRMSG_SIZE)
}

export function encodeAddress(address: InterfaceAddress): Buffer {
  const header = Buffer.alloc(IFADDRMSG_SIZE)
  header.writeUInt8(domainOf(address.address), 0)
  header.writeUInt8(address.prefixLength, 1)
  header.writeUInt8(address.scope ?? scopes.global, 3)
  header.writeUInt32LE(address.ifindex, 4)
  const flags = (address.noDad ? IFA_F_NODAD : 0) | (address.noPrefixRoute ? IFA_F_NOPREFIXROUTE : 0)
  const attributes = encodeAttributes([
    [IFA_LOCAL, fromAddress(address.address)],
    [IFA_ADDRESS, fromAddress(address.peer ?? address.address)],
    [IFA_BROADCAST, address.broadcast && fromAddress(address.broadcast)],
    [IFA_LABEL, address.label === undefined ? undefined : fromText(address.label)],
    [IFA_FLAGS, flags === 0 ? undefined : fromU32(flags)],
    [IFA_PROTO, address.protocol === undefined ? undefined : Buffer.of(address.protocol)],
  ])
  return Buffer.concat([header, attributes])
}

/** The address that an RTM_NEWADDR or RTM_DELADDR is about; undefined when it is not an IP address. */
export function decodeAddress(payload: Buffer): InterfaceAddress | undefined {
  const { header, attributes } = decodePayload(payload, IFADDRMSG_SIZE)
  const family = header.readUInt8(0)
  if (family !== AF_INET && family !== AF_INET6) return undefined
  const prefix = asAddress(attributes.get(IFA_ADDRESS))
  const address = asAddress(attributes.get(IFA_LOCAL)) ?? prefix
  if (address === undefined) return undefined
  const flags = asNumber(attributes.get(IFA_FLAGS)) ?? header.readUInt8(2)
  return {
    ifindex: header.readUInt32LE(4),
    address,
    prefixLength: header.readUInt8(1),
    peer: prefix === address ? undefined : prefix,
    broadcast: asAddress(attributes.get(IFA_BROADCAST)),
    label: asText(attributes.get(IFA_LABEL)),
    scope: header.readUInt8(3),
    protocol: asNumber(attributes.get(IFA_PROTO)),
    noPrefixRoute: (flags & IFA_F_NOPREFIXROUTE) !== 0,
    noDad: (flags & IFA_F_NODAD) !== 0,
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
    dadFailed: (flags & IFA_F_DADFAILED) !== 0,
  }
}
