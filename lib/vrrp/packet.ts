import { type Address, addressBytes, addressFromBytes } from '../address.js'
import { IPPROTO_VRRP } from './advert.js'
import { checksum } from './checksum.js'

/** A VRRP packet, taken apart as far as IP goes. */
export interface Packet {
  readonly source: Address
  readonly destination: Address
  /** IPv6 calls it hop limit. */
  readonly ttl: number
  /** What came, from the IP header on. */
  readonly length: number
  /** What should have come, says the IP header. */
  readonly totalLength: number
  /** All that came behind the IP header. */
  readonly payload: Buffer
}

/** What there is to say about a packet beside its payload. */
export interface Envelope {
  readonly source: Address
  readonly destination: Address
  /** Tells the packets of one sender apart; counts from 1, modulo 2^16. */
  readonly identification: number
  /** @default 255, which shows that no router was in between */
  readonly ttl?: number
}

const HEADER_SIZE = 20
/** Precedence "internetwork control" (RFC 791), of which RFC 3768 says nothing; keepalived's. */
const TYPE_OF_SERVICE = 0xc0

/** An IPv4 packet for a raw socket with IP_HDRINCL. It may be fragmented: DF is clear. */
export function encodePacket(envelope: Envelope, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_SIZE)
  header.writeUInt8((4 << 4) | (HEADER_SIZE / 4), 0)
  header.writeUInt8(TYPE_OF_SERVICE, 1)
  header.writeUInt16BE(HEADER_SIZE + payload.length, 2)
  header.writeUInt16BE(envelope.identification & 0xffff, 4)
  header.writeUInt8(envelope.ttl ?? 255, 8)
  header.writeUInt8(IPPROTO_VRRP, 9)
  header.set(addressBytes(envelope.source).subarray(12), 12)
  header.set(addressBytes(envelope.destination).subarray(12), 16)
  header.writeUInt16BE(checksum(header), 10)
  return Buffer.concat([header, payload])
}

/** What a raw socket of IPv4 received; undefined when it is not VRRP over IPv4. The kernel has seen to the checksum. */
export function decodePacket(bytes: Buffer): Packet | undefined {
  if (bytes.length < HEADER_SIZE || bytes.readUInt8(0) >> 4 !== 4) return undefined
  const headerSize = (bytes.readUInt8(0) & 0xf) * 4
  if (headerSize < HEADER_SIZE || headerSize > bytes.length) return undefined
  if (bytes.readUInt8(9) !== IPPROTO_VRRP) return undefined
  return {
    source: addressFromBytes(bytes.subarray(12, 16)),
    destination: addressFromBytes(bytes.subarray(16, 20)),
    ttl: bytes.readUInt8(8),
    length: bytes.length,
    totalLength: bytes.readUInt16BE(2),
    payload: bytes.subarray(headerSize),
  }
}

/** Whom a packet is for; undefined when it is too short to say. */
export function virtualRouterIdOf(packet: Packet): number | undefined {
  return packet.payload[1]
}
