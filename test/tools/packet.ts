import { type Address, addressBytes, parseAddress } from '../../lib/address.js'
import { type Mac, macBytes } from '../../lib/net/mac.js'
import type { Vlan } from '../../lib/net/netlink/link.js'

export type TcpFlag = 'FIN' | 'SYN' | 'RST' | 'PSH' | 'ACK'

const FLAG_BITS = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const satisfies Record<TcpFlag, number>

/** A VLAN's number, as is usual: the outer one of two a provider's. Or all that there is in a tag. */
export type Tag = number | (Vlan & { readonly priority?: number })

/** A frame to build: whatever is not said is what an ordinary client would send. */
export interface Frame {
  to?: Mac
  from?: Mac
  /** Its VLAN tags, outermost first. */
  vlans?: readonly Tag[]
  source?: string
  destination?: string
  sourcePort?: number
  destinationPort?: number
  protocol?: 'tcp' | 'udp' | 'sctp' | number
  flags?: readonly TcpFlag[]
  /** The type of SCTP's first chunk (RFC 9260 §3.2). */
  chunk?: number
  /** The hop limit of IPv6. */
  ttl?: number
  /** DSCP and ECN. */
  trafficClass?: number
  /** Of the IPv4 header, or the fragment header. */
  id?: number
  /** Words of 32 bits between the IPv4 header and what follows. */
  options?: number
  /** Extension headers of IPv6 by their numbers, each of 8 bytes and as many times 8 as `options` says. */
  extensions?: readonly number[]
  /** Flags and offset, as the 16 bits stand in the IPv4 header, or in a fragment header of IPv6 behind the others. */
  fragment?: number
  payload?: number
  /** What follows the headers of IP, instead of a transport header and its payload. */
  body?: Uint8Array
}

export const clientMac = mac('02:00:00:00:00:c1')
export const balancerMac = mac('02:00:00:00:00:1b')

/** A MAC that is written right in the test. */
export function mac(text: string): Mac {
  return text as Mac
}

/** The bytes of a frame, checksums right: of IPv6 if its source is. */
export function buildFrame(frame: Frame = {}): Buffer {
  const { to = balancerMac, from = clientMac, vlans = [] } = frame
  const tags = wholeTags(vlans).map(tagBytes)
  const ip = isIpv6(frame) ? [be16(0x86dd), buildIpv6(frame)] : [be16(0x0800), buildIpv4(frame)]
  return Buffer.concat([macBytes(to), macBytes(from), ...tags, ...ip])
}

/** A frame's bytes, built if it is yet to be built. */
export function frameBytes(frame: Frame | Uint8Array): Buffer {
  return frame instanceof Uint8Array
    ? Buffer.from(frame.buffer, frame.byteOffset, frame.length)
    : buildFrame(frame)
}

/** A frame as fragments of so many bytes each, eights of them; but for the last one. */
export function fragmentsOf(frame: Frame, size: number): Frame[] {
  const body = buildTransport(frame)
  sign(body, frame)
  return Array.from({ length: Math.ceil(body.length / size) }, (_, index) => {
    const at = index * size
    const isLast = at + size >= body.length
    const fragment = isIpv6(frame) ? at | (isLast ? 0 : 1) : (at / 8) | (isLast ? 0 : 0x2000)
    return { ...frame, fragment, body: body.subarray(at, at + size) }
  })
}

/** Where the IP header of a frame begins, behind its VLAN tags. */
export function ipOffset(frame: Buffer): number {
  let at = 12
  while (isVlan(frame.readUInt16BE(at))) at += 4
  return at + 2
}

function isVlan(ethertype: number): boolean {
  return ethertype === 0x8100 || ethertype === 0x88a8
}

function buildIpv4(frame: Frame): Buffer {
  const { ttl = 64, id = 0x1234, trafficClass = 0 } = frame
  const { options = 0, fragment = 0x4000 } = frame
  const body = buildBody(frame)
  const header = Buffer.alloc(20 + 4 * options, 1)
  header.writeUInt8(0x40 | (header.length / 4), 0)
  header.writeUInt8(trafficClass, 1)
  header.writeUInt16BE(header.length + body.length, 2)
  header.writeUInt16BE(id, 4)
  header.writeUInt16BE(fragment, 6)
  header.writeUInt8(ttl, 8)
  header.writeUInt8(protocolNumber(frame), 9)
  header.writeUInt16BE(0, 10)
  header.set(addressesOf(frame), 12)
  header.writeUInt16BE(checksum(header), 10)
  return Buffer.concat([header, body])
}

function isIpv6({ source = '' }: Frame): boolean {
  return source.includes(':')
}

/** Source and destination, as they stand in the header. */
function addressesOf({ source = '10.0.0.100', destination }: Frame): Buffer {
  if (!isIpv6({ source })) return Buffer.concat([ipv4(source), ipv4(destination ?? '10.0.0.1')])
  return Buffer.concat([source, destination ?? '2001:db8::1'].map(text => addressBytes(parseAddress(text))))
}

function buildIpv6(frame: Frame): Buffer {
  const { ttl = 64, options = 0, extensions = [], fragment, id = 0x1234, trafficClass = 0 } = frame
  const body = buildBody(frame)
  const kinds = [...extensions, ...(fragment === undefined ? [] : [44]), protocolNumber(frame)]
  const chain = extensions.map((_, index) => {
    const header = Buffer.alloc(8 + 8 * options)
    header.writeUInt8(kinds[index + 1] ?? 0, 0)
    header.writeUInt8(options, 1)
    return header
  })
  if (fragment !== undefined) {
    const last = Buffer.of(protocolNumber(frame), 0, 0, 0, 0, 0, 0, 0)
    last.writeUInt16BE(fragment, 2)
    last.writeUInt32BE(id, 4)
    chain.push(last)
  }
  const payload = Buffer.concat([...chain, body])
  const header = Buffer.alloc(8)
  header.writeUInt16BE(0x6000 | (trafficClass << 4), 0)
  header.writeUInt16BE(payload.length, 4)
  header.writeUInt8(kinds[0] ?? 0, 6)
  header.writeUInt8(ttl, 7)
  return Buffer.concat([header, addressesOf(frame), payload])
}

function buildBody(frame: Frame): Buffer {
  if (frame.body) return Buffer.from(frame.body)
  const body = buildTransport(frame)
  sign(body, frame)
  return body
}

/** Puts the checksum of TCP and UDP where it belongs. */
function sign(body: Buffer, frame: Frame): void {
  const protocol = protocolNumber(frame)
  const at = { 6: 16, 17: 6 }[protocol]
  if (at !== undefined) body.writeUInt16BE(pseudoChecksum(body, protocol, addressesOf(frame)), at)
}

/** The checksum of what is behind the headers of IP, with the addresses in them. */
export function pseudoChecksum(body: Uint8Array, protocol: number, addresses: Uint8Array): number {
  return checksum(Buffer.concat([addresses, be16(protocol), be16(body.length), body]))
}

function buildTransport(frame: Frame): Buffer {
  const { sourcePort = 40000, destinationPort = 80, flags = ['SYN'], chunk = 1, payload = 0 } = frame
  const protocol = protocolNumber(frame)
  const isUdp = protocol === 17
  const header = Buffer.alloc({ 17: 8, 132: 16 }[protocol] ?? 20)
  header.writeUInt16BE(sourcePort, 0)
  header.writeUInt16BE(destinationPort, 2)
  if (isUdp) header.writeUInt16BE(8 + payload, 4)
  else if (protocol === 132) header.set([chunk, 0, 0, 4 + payload], 12)
  else {
    header.writeUInt32BE(0x01020304, 4)
    header.writeUInt8(5 << 4, 12)
    header.writeUInt8(
      flags.reduce((bits, flag) => bits | FLAG_BITS[flag], 0),
      13,
    )
    header.writeUInt16BE(0xffff, 14)
  }
  return Buffer.concat([header, Buffer.alloc(payload, 0x78)])
}

function protocolNumber({ protocol = 'tcp' }: Frame): number {
  return typeof protocol === 'number' ? protocol : { tcp: 6, udp: 17, sctp: 132 }[protocol]
}

/** RFC 1071 */
export function checksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let sum = 0
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += view.getUint16(at)
  if (bytes.length % 2 === 1) sum += view.getUint8(bytes.length - 1) << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** All that is in each tag. */
export function wholeTags(tags: readonly Tag[]): (Vlan & { priority: number })[] {
  return tags.map((tag, index) => {
    const usual = { priority: 0, protocol: index === 0 && tags.length > 1 ? '802.1ad' : '802.1Q' } as const
    return typeof tag === 'number' ? { ...usual, id: tag } : { ...usual, ...tag }
  })
}

function tagBytes({ id, protocol, priority }: Vlan & { priority: number }): Buffer {
  return Buffer.concat([be16(protocol === '802.1ad' ? 0x88a8 : 0x8100), be16((priority << 13) | id)])
}

function be16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function ipv4(text: string): Buffer {
  const address: Address = parseAddress(text)
  return Buffer.from(addressBytes(address).subarray(12))
}
