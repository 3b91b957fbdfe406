import { type Address, addressBytes, addressFromBytes, familyOf } from '../../address.js'
import { XdplbError } from '../../errors.js'
import { errnos } from '../errno.js'
import { type Mac, macFromBytes } from '../mac.js'

const HEADER_SIZE = 4
/** The two upper bits say "nested" and "network byte order": NLA_TYPE_MASK. */
const TYPE_MASK = 0x3fff

/** Messages and attributes start on multiples of four bytes. */
export function align(length: number): number {
  return Math.ceil(length / 4) * 4
}

/** Bytes that are not what they were taken for. The kernel does not send such; a decoder cannot know who did. */
export function malformed(what: string): XdplbError {
  return new XdplbError('SYSCALL', `decode netlink ${what}`, { errno: errnos.EBADMSG })
}

/**
 * The attributes of a message, or those nested in one, by type. Of two with one type the last counts, as in the kernel.
 * They are looked for when they are asked for: of the sixty that an interface has, a dozen are.
 */
export class Attributes {
  readonly #bytes: Buffer

  /** Throws `SYSCALL` (EBADMSG) when a length does not fit. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes
    for (let at = 0; at < bytes.length; ) at += align(lengthAt(bytes, at))
  }

  get(type: number): Buffer | undefined {
    const at = this.#find(type)
    if (at === undefined) return undefined
    return this.#bytes.subarray(at + HEADER_SIZE, at + this.#bytes.readUInt16LE(at))
  }

  has(type: number): boolean {
    return this.#find(type) !== undefined
  }

  #find(type: number): number | undefined {
    const bytes = this.#bytes
    let found: number | undefined
    for (let at = 0; at < bytes.length; at += align(bytes.readUInt16LE(at)))
      if ((bytes.readUInt16LE(at + 2) & TYPE_MASK) === type) found = at
    return found
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const left = bytes.length - at
  const length = left < HEADER_SIZE ? left : bytes.readUInt16LE(at)
  if (length < HEADER_SIZE || length > left) {
    throw malformed(`attribute: ${length} bytes, expected ${HEADER_SIZE} to ${left}`)
  }
  return length
}

/** The attributes one after the other; one whose value is undefined is left out. */
export function encodeAttributes(attributes: readonly (readonly [number, Uint8Array | undefined])[]): Buffer {
  return Buffer.concat(
    attributes.flatMap(([type, value]) => {
      if (value === undefined) return []
      const length = HEADER_SIZE + value.length
      const attribute = Buffer.alloc(align(length))
      attribute.writeUInt16LE(length, 0)
      attribute.writeUInt16LE(type, 2)
      attribute.set(value, HEADER_SIZE)
      return [attribute]
    }),
  )
}

/** What most messages are: a fixed struct of `size` bytes, then attributes. */
export function decodePayload(payload: Buffer, size: number): { header: Buffer; attributes: Attributes } {
  if (payload.length < size) throw malformed(`payload: ${payload.length} bytes, expected ${size} or more`)
  return { header: payload.subarray(0, size), attributes: new Attributes(payload.subarray(size)) }
}

export function fromU32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export function fromText(text: string): Buffer {
  return Buffer.from(`${text}\0`)
}

/** 4 bytes or 16. */
export function fromAddress(address: Address): Uint8Array {
  const bytes = addressBytes(address)
  return familyOf(address) === 4 ? bytes.subarray(12) : bytes
}

/** An unsigned number of one, two or four bytes. */
export function asNumber(value: Buffer | undefined): number | undefined {
  if (value === undefined) return undefined
  if (value.length !== 1 && value.length !== 2 && value.length !== 4) {
    throw malformed(`number: ${value.length} bytes, expected 1, 2 or 4`)
  }
  return value.readUIntLE(0, value.length)
}

/** The text before the first NUL. */
export function asText(value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined
  const end = value.indexOf(0)
  return value.toString('utf8', 0, end === -1 ? value.length : end)
}

export function asAddress(value: Buffer | undefined): Address | undefined {
  if (value === undefined) return undefined
  if (value.length !== 4 && value.length !== 16) {
    throw malformed(`address: ${value.length} bytes, expected 4 or 16`)
  }
  return addressFromBytes(value)
}

export function asMac(value: Buffer | undefined): Mac | undefined {
  return value && macFromBytes(value)
}

export function asAttributes(value: Buffer | undefined): Attributes | undefined {
  return value && new Attributes(value)
}
