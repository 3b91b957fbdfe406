import { type Address, addressBytes, familyOf } from '../address.js'
import { type Mac, macBytes } from '../net/mac.js'

/** What all packets of one kind have in common. Their clients' addresses and ports come from bpf/bench.bpf.c. */
export interface FrameSpec {
  readonly to: Mac
  readonly from: Mac
  /** The client's address where its bits do not differ; the rest is 0. */
  readonly source: Address
  readonly destination: Address
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
  /** Of a TCP segment. */
  readonly flag: 'syn' | 'ack'
}

/**
 * The shortest that Ethernet has, without its checksum; and for IPv6 what a TCP segment with four bytes takes.
 * bpf/bench.bpf.c goes by the same sizes.
 */
const sizes = { 4: 60, 6: 80 } as const

const ETHERNET = 14
const numbers = { tcp: 6, udp: 17 } as const
const flags = { syn: 0x02, ack: 0x10 } as const
const TTL = 64

/** Stands at the end of each frame, and tells it from others that come in by the same interface. */
const MARK = 'xdpb'

/** The frame of one of the packets. Its checksums are left to who writes its source: 0. */
export function buildFrame(spec: FrameSpec): Buffer {
  const family = familyOf(spec.destination)
  const frame = Buffer.alloc(sizes[family])
  frame.set(macBytes(spec.to), 0)
  frame.set(macBytes(spec.from), 6)
  if (family === 4) writeIpv4(frame, spec)
  else writeIpv6(frame, spec)
  frame.write(MARK, frame.length - MARK.length)
  return frame
}

function writeIpv4(frame: Buffer, spec: FrameSpec): void {
  frame.writeUInt16BE(0x0800, 12)
  const ip = frame.subarray(ETHERNET)
  ip.writeUInt8(0x45, 0)
  ip.writeUInt16BE(ip.length, 2)
  ip.writeUInt16BE(0x4000, 6) // don't fragment
  ip.writeUInt8(TTL, 8)
  ip.writeUInt8(numbers[spec.protocol], 9)
  ip.set(addressBytes(spec.source).subarray(12), 12)
  ip.set(addressBytes(spec.destination).subarray(12), 16)
  writeTransport(ip.subarray(20), spec)
}

function writeIpv6(frame: Buffer, spec: FrameSpec): void {
  frame.writeUInt16BE(0x86dd, 12)
  const ip = frame.subarray(ETHERNET)
  ip.writeUInt8(0x60, 0)
  ip.writeUInt16BE(ip.length - 40, 4)
  ip.writeUInt8(numbers[spec.protocol], 6)
  ip.writeUInt8(TTL, 7)
  ip.set(addressBytes(spec.source), 8)
  ip.set(addressBytes(spec.destination), 24)
  writeTransport(ip.subarray(40), spec)
}

function writeTransport(segment: Buffer, { port, protocol, flag }: FrameSpec): void {
  segment.writeUInt16BE(port, 2)
  if (protocol === 'udp') {
    segment.writeUInt16BE(segment.length, 4)
    return
  }
  segment.writeUInt8(5 << 4, 12)
  segment.writeUInt8(flags[flag], 13)
  segment.writeUInt16BE(0xffff, 14)
}
