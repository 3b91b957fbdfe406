import type { Address } from '../../address.js'
import type { Mac } from '../mac.js'
import { AF_INET, AF_INET6, domainOf } from '../socket.js'
import {
  asAddress,
  asMac,
  asNumber,
  decodePayload,
  encodeAttributes,
  fromAddress,
  fromU32,
} from './attribute.js'

export const RTM_NEWNEIGH = 28
export const RTM_DELNEIGH = 29
export const RTM_GETNEIGH = 30

/** What the kernel thinks of a neighbour: RFC 4861 §7.3.2 and include/uapi/linux/neighbour.h (NUD_*). */
export type NeighbourState = (typeof states)[number][1]

const states = [
  [0x00, 'none'],
  [0x01, 'incomplete'],
  [0x02, 'reachable'],
  [0x04, 'stale'],
  [0x08, 'delay'],
  [0x10, 'probe'],
  [0x20, 'failed'],
  [0x40, 'noArp'],
  [0x80, 'permanent'],
] as const

/** Which neighbour. */
export interface NeighbourKey {
  ifindex: number
  address: Address
}

/** What the kernel knows about a neighbour. */
export interface Neighbour extends NeighbourKey {
  state: NeighbourState
  /** Undefined while the kernel does not know it, or no longer believes in it. */
  mac: Mac | undefined
  /** The kernel keeps it resolved by itself (NTF_EXT_MANAGED). */
  managed: boolean
  /** Who made it, a number of iproute2's rt_protos; undefined when the kernel did. */
  protocol: number | undefined
}

const NDA_DST = 1
const NDA_LLADDR = 2
const NDA_PROTOCOL = 12
const NDA_FLAGS_EXT = 15

/** Resolve it now, as if a packet were waiting. */
const NTF_USE = 0x01
const NTF_EXT_MANAGED = 0x01

const NDMSG_SIZE = 12

function encode(
  key: NeighbourKey,
  flags: number,
  attributes: [number, Uint8Array | undefined][] = [],
): Buffer {
  const header = Buffer.alloc(NDMSG_SIZE)
  header.writeUInt8(domainOf(key.address), 0)
  header.writeInt32LE(key.ifindex, 4)
  header.writeUInt8(flags, 10)
  return Buffer.concat([header, encodeAttributes([[NDA_DST, fromAddress(key.address)], ...attributes])])
}

/** Asks for one neighbour, or for all of both families. Also names the one to delete. */
export function encodeNeighbourKey(key?: NeighbourKey): Buffer {
  return key === undefined ? Buffer.alloc(NDMSG_SIZE) : encode(key, 0)
}

/** Have the kernel resolve it now and, where it can (5.16 and later), keep it resolved. Its state stays as it is. */
export function encodeManagedNeighbour(key: NeighbourKey, protocol?: number): Buffer {
  return encode(key, NTF_USE, [
    [NDA_PROTOCOL, protocol === undefined ? undefined : Buffer.of(protocol)],
    [NDA_FLAGS_EXT, fromU32(NTF_EXT_MANAGED)],
  ])
}

/** Leave it to the kernel's ordinary care again. */
export function encodeOrdinaryNeighbour(key: NeighbourKey): Buffer {
  return encode(key, NTF_USE)
}

/** The neighbour that an RTM_NEWNEIGH or RTM_DELNEIGH is about; undefined for a bridge's forwarding entry. */
export function decodeNeighbour(payload: Buffer): Neighbour | undefined {
  const { header, attributes } = decodePayload(payload, NDMSG_SIZE)
  const family = header.readUInt8(0)
  const address = asAddress(attributes.get(NDA_DST))
  if ((family !== AF_INET && family !== AF_INET6) || address === undefined) return undefined
  const state = header.readUInt16LE(8)
  return {
    ifindex: header.readInt32LE(4),
    address,
    state: states.find(([number]) => number === state)?.[1] ?? 'none',
    mac: asMac(attributes.get(NDA_LLADDR)),
    managed: ((asNumber(attributes.get(NDA_FLAGS_EXT)) ?? 0) & NTF_EXT_MANAGED) !== 0,
    protocol: asNumber(attributes.get(NDA_PROTOCOL)),
  }
}
