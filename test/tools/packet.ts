import { type Address, addressBytes, parseAddress } from '../../lib/address.js'
import { type Mac, macBytes } from '../../lib/net/mac.js'

export type TcpFlag = 'FIN' | 'SYN' | 'RST' | 'PSH' | 'ACK'

const FLAG_BITS = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const satisfies Record<TcpFlag, number>

/** A frame to build: whatever is not said is what an ordinary client would send. */
export interface Frame {
  to?: Mac
  from?: Mac
  /** VLAN identifiers, outermost first. */
  vlans?: readonly number[]
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
  /** Of the IPv4 header. */
  id?: number
  /** Words of 32 bits between the IPv4 header and what follows. */
  options?: number
  /** Extension headers of IPv6 by their numbers, each of 8 bytes and as many times 8 as `options` says. */
  extensions?: readonly number[]
  /** Flags and offset, as the 16 bits stand in the header. */
  fragment?: number
  payload?: number
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
  const tags = vlans.map((id, index) => tag(index === 0 && vlans.length > 1 ? 0x88a8 : 0x8100, id))
  const ip = isIpv6(frame) ? [be16(0x86dd), buildIpv6(frame)] : [be16(0x0800), buildIpv4(frame)]
  return Buffer.concat([macBytes(to), macBytes(from), ...tags, ...ip])
}

/** A frame's bytes, built if it is yet to be built. */
export function frameBytes(frame: Frame | Uint8Array): Buffer {
  return frame instanceof Uint8Array
    ? Buffer.from(frame.buffer, frame.byteOffset, frame.length)
    : buildFrame(frame)
}

/**
 * The answer of a router at which the frame's TTL is spent (RFC 792, RFC 1812 §4.3.2): from the address that it was
 * for, by the way that it came, with an even number of its bytes, and no more than make 576.
 */
export function buildTimeExceeded(frame: Buffer): Buffer {
  const at = ipv4Offset(frame)
  const packet = frame.subarray(at, at + frame.readUInt16BE(at + 2))
  const quote = packet.subarray(0, Math.min(548, packet.length & ~1))
  const icmp = Buffer.concat([Buffer.of(11, 0, 0, 0, 0, 0, 0, 0), quote])
  icmp.writeUInt16BE(checksum(icmp), 2)
  const header = Buffer.alloc(20)
  header.writeUInt8(0x45, 0)
  header.writeUInt8(0xc0, 1)
  header.writeUInt16BE(20 + icmp.length, 2)
  header.writeUInt8(64, 8)
  header.writeUInt8(1, 9)
  header.set(packet.subarray(16, 20), 12)
  header.set(packet.subarray(12, 16), 16)
  header.writeUInt16BE(checksum(header), 10)
  const macs = [frame.subarray(6, 12), frame.subarray(0, 6)]
  return Buffer.concat([...macs, frame.subarray(12, at), header, icmp])
}

/** Where the IPv4 header of a frame begins, behind its VLAN tags. */
export function ipv4Offset(frame: Buffer): number {
  let at = 12
  while (isVlan(frame.readUInt16BE(at))) at += 4
  return at + 2
}

function isVlan(ethertype: number): boolean {
  return ethertype === 0x8100 || ethertype === 0x88a8
}

function buildIpv4(frame: Frame): Buffer {
  const { source = '10.0.0.100', destination = '10.0.0.1', ttl = 64, id = 0x1234 } = frame
  const { options = 0, fragment = 0x4000 } = frame
  const body = buildTransport(frame)
  const header = Buffer.alloc(20 + 4 * options, 1)
  header.writeUInt8(0x40 | (header.length / 4), 0)
  header.writeUInt8(0, 1)
  header.writeUInt16BE(header.length + body.length, 2)
  header.writeUInt16BE(id, 4)
  header.writeUInt16BE(fragment, 6)
  header.writeUInt8(ttl, 8)
  header.writeUInt8(protocolNumber(frame), 9)
  header.writeUInt16BE(0, 10)
  header.set(ipv4(source), 12)
  header.set(ipv4(destination), 16)
  header.writeUInt16BE(checksum(header), 10)
  sign(body, protocolNumber(frame), Buffer.concat([ipv4(source), ipv4(destination)]))
  return Buffer.concat([header, body])
}

function isIpv6({ source = '' }: Frame): boolean {
  return source.includes(':')
}

function buildIpv6(frame: Frame): Buffer {
  const { source = '2001:db8::100', destination = '2001:db8::1', ttl = 64 } = frame
  const { options = 0, extensions = [] } = frame
  const body = buildTransport(frame)
  const addresses = Buffer.concat([
    addressBytes(parseAddress(source)),
    addressBytes(parseAddress(destination)),
  ])
  const kinds = [...extensions, protocolNumber(frame)]
  const chain = extensions.map((_, index) => {
    const header = Buffer.alloc(8 + 8 * options)
    header.writeUInt8(kinds[index + 1] ?? 0, 0)
    header.writeUInt8(options, 1)
    return header
  })
  const header = Buffer.alloc(8)
  header.writeUInt8(0x60, 0)
  header.writeUInt16BE(chain.length * (8 + 8 * options) + body.length, 4)
  header.writeUInt8(kinds[0] ?? 0, 6)
  header.writeUInt8(ttl, 7)
  sign(body, protocolNumber(frame), addresses)
  return Buffer.concat([header, addresses, ...chain, body])
}

/** Puts the checksum of TCP and UDP where it belongs. */
function sign(body: Buffer, protocol: number, addresses: Buffer): void {
  const at = { 6: 16, 17: 6 }[protocol]
  const pseudo = Buffer.concat([addresses, be16(protocol), be16(body.length)])
  if (at !== undefined) body.writeUInt16BE(checksum(Buffer.concat([pseudo, body])), at)
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

function tag(ethertype: number, id: number): Buffer {
  return Buffer.concat([be16(ethertype), be16(id)])
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
