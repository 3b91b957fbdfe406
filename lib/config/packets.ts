import { addressBytes, addressFromBytes, familyOf } from '../address.js'
import type { Match, Protocol } from '../service.js'
import type { AddressRange, Config, GroupEntry, MarkRule, VirtualServer } from './model.js'
import { familyOfService } from './service-name.js'

/** What of a configuration says which packets a virtual server is for. */
export type PacketSources = Pick<Config, 'virtualServerGroups' | 'xdplb'>

/** Packets to a range of addresses. */
export interface Packets extends AddressRange {
  readonly protocols: readonly Protocol[]
  readonly ports: Match['ports']
  readonly mark?: number
}

/** The packets that a virtual server is for, and the marks that nothing says any packets have. */
export interface Wanted {
  readonly packets: readonly Packets[]
  readonly unknownMarks: readonly number[]
}

const EVERY_PROTOCOL: readonly Protocol[] = ['tcp', 'udp', 'sctp']

export function packetsOf(service: VirtualServer, sources: PacketSources): Wanted {
  const packets: Packets[] = []
  const unknownMarks: number[] = []
  for (const entry of entriesOf(service, sources)) {
    const { first, last = first, port, fwmark } = entry
    if (fwmark !== undefined) {
      const rules = rulesOf(entry, service, sources)
      if (rules.length === 0) unknownMarks.push(fwmark)
      packets.push(...rules.map(rule => markedPackets(rule, fwmark)))
    } else if (first !== undefined && last !== undefined) {
      const ports = port === 0 ? 'all' : { first: port, last: port }
      packets.push({ first, last, protocols: [service.protocol], ports })
    }
  }
  return { packets, unknownMarks }
}

/** How many addresses there are in a range. */
export function sizeOf({ first, last }: AddressRange): bigint {
  return numberOf(last) - numberOf(first) + 1n
}

/** The same address by address. */
export function matchesOf({ protocols, ports, mark, ...range }: Packets): readonly Match[] {
  const rest = { ports, ...(mark !== undefined && { mark }) }
  return addressesOf(range).flatMap(vip => protocols.map(protocol => ({ vip, protocol, ...rest })))
}

/** A virtual server that names no group is one of a single entry. */
function entriesOf(
  { group, address, port, fwmark }: VirtualServer,
  { virtualServerGroups }: PacketSources,
): readonly GroupEntry[] {
  if (group !== undefined) return virtualServerGroups.find(({ name }) => name === group)?.entries ?? []
  if (fwmark !== undefined) return [{ fwmark, port: 0 }]
  return address === undefined ? [] : [{ first: address, last: address, port }]
}

/** A mark may be of packets of both families; a service is of one. */
function rulesOf(
  { fwmark, family }: GroupEntry,
  service: VirtualServer,
  { xdplb }: PacketSources,
): readonly MarkRule[] {
  const ofEntry = family && (family === 'inet6' ? 6 : 4)
  const wanted = ofEntry ?? familyOfService(service) ?? 4
  const rules = xdplb.marks.find(({ mark }) => mark === fwmark)?.rules ?? []
  return rules.filter(({ first }) => familyOf(first) === wanted)
}

function markedPackets({ first, last, protocol, ports }: MarkRule, mark: number): Packets {
  const protocols = protocol === undefined ? EVERY_PROTOCOL : [protocol]
  return { first, last, protocols, ports: ports ?? 'all', mark }
}

function addressesOf(range: AddressRange) {
  const first = numberOf(range.first)
  return Array.from({ length: Number(sizeOf(range)) }, (_, index) => {
    const hexadecimal = (first + BigInt(index)).toString(16).padStart(32, '0')
    return index === 0 ? range.first : addressFromBytes(Buffer.from(hexadecimal, 'hex'))
  })
}

function numberOf(address: AddressRange['first']): bigint {
  return BigInt(`0x${Buffer.from(addressBytes(address)).toString('hex')}`)
}
