import { isIPv4, isIPv6 } from 'node:net'
import { XdplbError } from './errors.js'

/**
 * An IP address in its canonical text: `10.0.0.1`, `2001:db8::1` (RFC 5952). Two addresses are the same
 * exactly when their texts are; make one with {@link parseAddress} only.
 */
export type Address = string & { readonly __address: unique symbol }

export type Family = 4 | 6

/** Is this text one address, without a prefix length, port, zone or legacy notation (`010.0.0.1`, `1.2.3`)? */
export function isAddress(text: string): text is Address {
  return parse(text) === text
}

/** The address that a text names. Throws `CONFIG` for anything that `inet_pton` would refuse. */
export function parseAddress(text: string): Address {
  const address = parse(text)
  if (address === undefined || !isAddress(address)) {
    throw new XdplbError('CONFIG', `parse address: "${text}" is not an IPv4 or IPv6 address`)
  }
  return address
}

export function familyOf(address: Address): Family {
  return address.includes(':') ? 6 : 4
}

/** The 16 bytes that stand for an address in every map: IPv6 as it is, IPv4 as `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2). */
export function addressBytes(address: Address): Uint8Array {
  return familyOf(address) === 4
    ? Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address.split('.').map(Number))
    : bytesOfGroups(expand(address))
}

/** The address in 16 bytes of a map, or in the 4 or 16 bytes of a netlink attribute or a packet. */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length === 4) return parseAddress(bytes.join('.'))
  if (bytes.length !== 16) throw new XdplbError('USAGE', `address: ${bytes.length} bytes, expected 4 or 16`)
  const mapped = bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every(byte => byte === 0)
  if (mapped) return parseAddress(bytes.subarray(12).join('.'))
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0))
  return parseAddress(groups.map(group => group.toString(16)).join(':'))
}

/** Numeric order within a family, IPv4 before IPv6. */
export function compareAddresses(a: Address, b: Address): number {
  return familyOf(a) - familyOf(b) || Buffer.compare(addressBytes(a), addressBytes(b))
}

function parse(text: string): string | undefined {
  if (isIPv4(text)) return text
  if (!isIPv6(text) || text.includes('%')) return undefined
  return compress(expand(text))
}

/** The eight groups of an IPv6 address, an embedded IPv4 tail included. */
function expand(text: string): number[] {
  const [head = '', tail] = text.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').flatMap(groupsOf))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function groupsOf(group: string): number[] {
  if (!group.includes('.')) return [Number.parseInt(group, 16)]
  const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
  return [(a << 8) | b, (c << 8) | d]
}

function bytesOfGroups(groups: number[]): Uint8Array {
  return Uint8Array.from(groups.flatMap(group => [group >> 8, group & 0xff]))
}

/** RFC 5952 §4: lower case, no leading zeroes, the longest run of two or more zero groups as `::`. */
function compress(groups: number[]): string {
  let best = { start: 0, length: 1 }
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups[end] === 0) end++
    if (end - start > best.length) best = { start, length: end - start }
  }
  const hex = (part: number[]) => part.map(group => group.toString(16)).join(':')
  if (best.length < 2) return hex(groups)
  return `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`
}
