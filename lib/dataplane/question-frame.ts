import { addressBytes, familyOf } from '../address.js'
import type { PacketFlag, PacketQuestion } from '../decision.js'
import { XdplbError } from '../errors.js'
import type { Protocol } from '../service.js'
import { protocolNumbers } from './spec.js'

const ETHERNET = 14
const TTL = 64

/** RFC 9293 §3.1 */
const tcpFlags = new Map<PacketFlag, number>([
  ['FIN', 0x01],
  ['SYN', 0x02],
  ['RST', 0x04],
  ['PSH', 0x08],
  ['ACK', 0x10],
  ['URG', 0x20],
])

/** RFC 9260 §3.2 */
const sctpChunks = new Map<PacketFlag, number>([
  ['DATA', 0],
  ['INIT', 1],
  ['ABORT', 6],
  ['SHUTDOWN', 7],
])

/** Bytes of the headers that stand for a packet; SCTP's with one chunk. */
const transportSizes = { tcp: 20, udp: 8, sctp: 16 } as const satisfies Record<Protocol, number>

/**
 * A frame of that packet, as far as the program looks at one: without checksums and stations. Throws `USAGE` for
 * addresses of two families, and for flags that the protocol does not have.
 */
export function questionFrame(question: PacketQuestion): Buffer {
  const { source, destination } = question
  const family = familyOf(destination.address)
  if (familyOf(source.address) !== family) {
    const found = `${source.address} and ${destination.address}`
    throw new XdplbError('USAGE', `build packet: ${found}, expected addresses of one family`)
  }
  const transport = transportOf(question)
  const ip = family === 4 ? ipv4Header(question, transport.length) : ipv6Header(question, transport.length)
  const ethernet = Buffer.alloc(ETHERNET)
  ethernet.writeUInt16BE(family === 4 ? 0x0800 : 0x86dd, 12)
  return Buffer.concat([ethernet, ip, transport])
}

function ipv4Header({ source, destination, protocol = 'tcp' }: PacketQuestion, length: number): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt8(0x45, 0)
  header.writeUInt16BE(header.length + length, 2)
  header.writeUInt8(TTL, 8)
  header.writeUInt8(protocolNumbers[protocol], 9)
  header.set(addressBytes(source.address).subarray(12), 12)
  header.set(addressBytes(destination.address).subarray(12), 16)
  return header
}

function ipv6Header({ source, destination, protocol = 'tcp' }: PacketQuestion, length: number): Buffer {
  const header = Buffer.alloc(40)
  header.writeUInt8(0x60, 0)
  header.writeUInt16BE(length, 4)
  header.writeUInt8(protocolNumbers[protocol], 6)
  header.writeUInt8(TTL, 7)
  header.set(addressBytes(source.address), 8)
  header.set(addressBytes(destination.address), 24)
  return header
}

function transportOf({ source, destination, protocol = 'tcp', flags }: PacketQuestion): Buffer {
  const header = Buffer.alloc(transportSizes[protocol])
  header.writeUInt16BE(source.port, 0)
  header.writeUInt16BE(destination.port, 2)
  if (protocol === 'tcp') {
    header.writeUInt8(5 << 4, 12)
    header.writeUInt8(numberOf(flags ?? ['SYN'], tcpFlags, protocol), 13)
  } else if (protocol === 'udp') {
    numberOf(flags ?? [], new Map(), protocol)
    header.writeUInt16BE(header.length, 4)
  } else {
    header.set([numberOf(flags ?? ['INIT'], sctpChunks, protocol), 0, 0, 4], 12)
  }
  return header
}

function numberOf(
  flags: readonly PacketFlag[],
  known: ReadonlyMap<PacketFlag, number>,
  protocol: Protocol,
): number {
  return flags.reduce((bits, flag) => {
    const bit = known.get(flag)
    if (bit !== undefined) return bits | bit
    const expected = [...known.keys()].join(', ') || 'none'
    throw new XdplbError('USAGE', `build packet: ${protocol}: flag ${flag}, expected ${expected}`)
  }, 0)
}
