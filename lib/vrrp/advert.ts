import { type Address, addressBytes, addressFromBytes, type Family, familyOf } from '../address.js'
import { checksum } from './checksum.js'

/** VRRP's number among the protocols of IP. */
export const IPPROTO_VRRP = 112
/** The one type of message there is, RFC 3768 §5.3.2. */
export const ADVERTISEMENT = 1
/** RFC 2338 §5.3.6; later versions of the protocol have none of these but `none`. */
export const authenticationTypes = { none: 0, password: 1, ah: 2 } as const satisfies Record<string, number>

/** A message of VRRP as it is on the wire. Decoded, it is what somebody sent: nothing in it has been judged. */
export interface Advert {
  /** 2 or 3; any other number has been laid out like 3. */
  readonly version: number
  readonly type: number
  readonly virtualRouterId: number
  /** 1..255; 0: the sender gives the addresses up. */
  readonly priority: number
  /** Whole seconds in version 2, hundredths in version 3. */
  readonly intervalMs: number
  /** Of one family: that of the packet. */
  readonly addresses: readonly Address[]
  /** Version 2 only: eight bytes, which are there whatever the type. */
  readonly authentication?: { readonly type: number; readonly data: Buffer }
}

/** From where to where a message goes: version 3 has both in its checksum. */
export interface Route {
  readonly source: Address
  readonly destination: Address
}

const HEADER_SIZE = 8
const AUTHENTICATION_SIZE = 8
const CHECKSUM_AT = 6

/**
 * @param options.v3ChecksumAsV2 version 3 over IPv4 without the pseudo header, as RFC 9568 §5.2.8 has it; keepalived
 *   and others read RFC 5798 as asking for one. @default false
 */
export function encodeAdvert(
  advert: Advert,
  route: Route,
  options: { v3ChecksumAsV2?: boolean } = {},
): Buffer {
  const header = Buffer.alloc(HEADER_SIZE)
  header.writeUInt8((advert.version << 4) | advert.type, 0)
  header.writeUInt8(advert.virtualRouterId, 1)
  header.writeUInt8(advert.priority, 2)
  header.writeUInt8(advert.addresses.length, 3)
  if (advert.version === 2) {
    header.writeUInt8(advert.authentication?.type ?? authenticationTypes.none, 4)
    header.writeUInt8(advert.intervalMs / 1000, 5)
  } else {
    header.writeUInt16BE(advert.intervalMs / 10, 4)
  }
  const trailer =
    advert.version === 2 ? (advert.authentication?.data ?? Buffer.alloc(AUTHENTICATION_SIZE)) : []
  const message = Buffer.from([
    ...header,
    ...advert.addresses.flatMap(address => [...wireBytes(address)]),
    ...trailer,
  ])
  const isPlain = advert.version === 2 || (options.v3ChecksumAsV2 && familyOf(route.source) === 4)
  message.writeUInt16BE(isPlain ? checksum(message) : checksumOver(message, route), CHECKSUM_AT)
  return message
}

/** The message at the start of `bytes`; undefined when there are fewer bytes than it says it has. */
export function decodeAdvert(bytes: Buffer, family: Family): Advert | undefined {
  const size = advertSize(bytes, family)
  if (bytes.length < size) return undefined
  const version = bytes.readUInt8(0) >> 4
  const addressSize = family === 4 ? 4 : 16
  const common = {
    version,
    type: bytes.readUInt8(0) & 0xf,
    virtualRouterId: bytes.readUInt8(1),
    priority: bytes.readUInt8(2),
    addresses: Array.from({ length: bytes.readUInt8(3) }, (_, index) => {
      const at = HEADER_SIZE + index * addressSize
      return addressFromBytes(bytes.subarray(at, at + addressSize))
    }),
  }
  if (version !== 2) return { ...common, intervalMs: (bytes.readUInt16BE(4) & 0xfff) * 10 }
  const data = Buffer.from(bytes.subarray(size - AUTHENTICATION_SIZE, size))
  return {
    ...common,
    intervalMs: bytes.readUInt8(5) * 1000,
    authentication: { type: bytes.readUInt8(4), data },
  }
}

/** How long the message at the start of `bytes` has to be, as far as it says so. */
export function advertSize(bytes: Buffer, family: Family): number {
  if (bytes.length < HEADER_SIZE) return HEADER_SIZE
  const trailer = bytes.readUInt8(0) >> 4 === 2 ? AUTHENTICATION_SIZE : 0
  return HEADER_SIZE + bytes.readUInt8(3) * (family === 4 ? 4 : 16) + trailer
}

/** Is a message, without anything behind it, as its sender wrote it? Version 3 over IPv4 may have either checksum. */
export function isIntact(message: Buffer, route: Route): boolean {
  const isPlain = checksum(message) === 0
  if (message.readUInt8(0) >> 4 === 2) return isPlain
  return checksumOver(message, route) === 0 || (isPlain && familyOf(route.source) === 4)
}

/** The eight bytes that a password comes down to: cut, or filled with zeroes. */
export function passwordBytes(password: string): Buffer {
  const bytes = Buffer.alloc(AUTHENTICATION_SIZE)
  Buffer.from(password).copy(bytes)
  return bytes
}

/** RFC 5798 §5.2.8. The pseudo headers of both families add up to the same: addresses, protocol, length. */
function checksumOver(message: Buffer, { source, destination }: Route): number {
  const rest = Buffer.alloc(4)
  rest.writeUInt16BE(IPPROTO_VRRP, 0)
  rest.writeUInt16BE(message.length, 2)
  return checksum(Buffer.concat([wireBytes(source), wireBytes(destination), rest, message]))
}

function wireBytes(address: Address): Uint8Array {
  return addressBytes(address).subarray(familyOf(address) === 4 ? 12 : 0)
}
