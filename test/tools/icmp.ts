import { buildFrame, checksum, type Frame, ipOffset, pseudoChecksum } from './packet.js'

/** What a router says when a packet cannot go on: type and code of ICMP, and of ICMPv6. */
const complaints = {
  'time exceeded': { ipv4: [11, 0], ipv6: [3, 0] },
  'too big': { ipv4: [3, 4], ipv6: [2, 0] },
  'no real': { ipv4: [3, 3], ipv6: [1, 4] },
} as const

export type Complaint = keyof typeof complaints

/**
 * The answer to a frame that cannot go on (RFC 792, RFC 1812 §4.3.2; RFC 4443 §2.4): from the address that it was
 * for, by the way that it came, with an even number of its bytes, and no more than make 576 of IPv4, 1280 of IPv6.
 *
 * @param mtu that did not suffice
 */
export function buildAnswer(frame: Buffer, complaint: Complaint, mtu = 0): Buffer {
  const at = ipOffset(frame)
  const isIpv6 = frame.readUInt16BE(at - 2) === 0x86dd
  const packet = frame.subarray(at)
  const ethernet = [frame.subarray(6, 12), frame.subarray(0, 6), frame.subarray(12, at)]
  const { ipv4, ipv6 } = complaints[complaint]
  const answer = isIpv6 ? answerIpv6(packet, ipv6, mtu) : answerIpv4(packet, ipv4, mtu)
  return Buffer.concat([...ethernet, answer])
}

function answerIpv4(packet: Buffer, [type, code]: readonly [number, number], mtu: number): Buffer {
  const quote = packet.subarray(0, Math.min(548, packet.readUInt16BE(2) & ~1))
  const icmp = message(type, code, mtu, quote)
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
  return Buffer.concat([header, icmp])
}

function answerIpv6(packet: Buffer, [type, code]: readonly [number, number], mtu: number): Buffer {
  const quote = packet.subarray(0, Math.min(1232, (40 + packet.readUInt16BE(4)) & ~1))
  const icmp = message(type, code, mtu, quote)
  const addresses = Buffer.concat([packet.subarray(24, 40), packet.subarray(8, 24)])
  icmp.writeUInt16BE(pseudoChecksum(icmp, 58, addresses), 2)
  const header = Buffer.of(0x60, 0, 0, 0, 0, 0, 58, 64)
  header.writeUInt16BE(icmp.length, 4)
  return Buffer.concat([header, addresses, icmp])
}

/** Checksum 0, which is yet to be put there. */
function message(type: number, code: number, detail: number, quote: Uint8Array): Buffer {
  const head = Buffer.of(type, code, 0, 0, 0, 0, 0, 0)
  head.writeUInt32BE(detail, 4)
  return Buffer.concat([head, quote])
}

/** An ICMP error to build. */
export interface IcmpError {
  /** The client's side of the flow that it is about. */
  about: Frame
  type: number
  code?: number
  /** The unused word, or the MTU. */
  detail?: number
  /** How many bytes of the quoted transport header there are. */
  quote?: number
  /** Whatever is odd about the quoted packet. */
  quoted?: Frame
  /** Whatever is odd about the packet with the error. */
  outer?: Frame
}

/** A router's error about the answer of a real server, which went from the VIP to the client. */
export function errorFrame({ about, type, code = 0, detail = 0, quote = 8, ...odd }: IcmpError): Frame {
  const { source = '10.0.0.100', destination, sourcePort = 40000, destinationPort = 80 } = about
  const isIpv6 = source.includes(':')
  const vip = destination ?? (isIpv6 ? '2001:db8::1' : '10.0.0.1')
  const quoted = buildFrame({
    ...about,
    source: vip,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    flags: ['ACK'],
    payload: 100,
    ...odd.quoted,
  })
  const transport = about.protocol === 'udp' ? 8 : about.protocol === 'sctp' ? 16 : 20
  const packet = quoted.subarray(ipOffset(quoted), quoted.length - 100 - transport + quote)
  const router = isIpv6 ? '2001:db8:1::9' : '192.0.2.9'
  const frame: Frame = { source: router, destination: vip, protocol: isIpv6 ? 58 : 1, ...odd.outer }
  return { ...frame, body: message(type, code, detail, packet) }
}
