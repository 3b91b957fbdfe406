import { type Address, addressBytes, familyOf, parseAddress } from './address.js'
import { XdplbError } from './errors.js'

/** Addresses that are alike in their first bits: `10.0.0.0/8`, `2001:db8::/32`; one alone is `10.0.0.1`. */
export interface Network {
  readonly address: Address
  /** How many bits, of the 32 or 128 that the family has. */
  readonly prefixLength: number
}

/** Throws `USAGE` for anything but ADDRESS or ADDRESS/BITS. */
export function parseNetwork(text: string): Network {
  const [, head = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  try {
    const address = parseAddress(head)
    const most = familyOf(address) === 4 ? 32 : 128
    const prefixLength = bits === undefined ? most : Number(bits)
    if (prefixLength <= most) return { address, prefixLength }
  } catch (cause) {
    throw notANetwork(text, cause)
  }
  throw notANetwork(text)
}

export function formatNetwork({ address, prefixLength }: Network): string {
  return `${address}/${prefixLength}`
}

/** The 16 bytes of its address and of its mask, as addresses have them in the maps: see `addressBytes()`. */
export function networkBytes({ address, prefixLength }: Network): { address: Uint8Array; mask: Uint8Array } {
  const bits = familyOf(address) === 4 ? 96 + prefixLength : prefixLength
  const mask = Uint8Array.from({ length: 16 }, (_, at) => {
    const ones = Math.min(8, Math.max(0, bits - 8 * at))
    return 0xff & (0xff << (8 - ones))
  })
  const bytes = addressBytes(address)
  return { address: bytes.map((byte, at) => byte & (mask[at] ?? 0)), mask }
}

/** Is an address one of the network's? It is asked of many, as the 16 bytes of the maps. */
export function networkTest(network: Network): (bytes: Uint8Array) => boolean {
  const { address, mask } = networkBytes(network)
  return bytes => address.every((byte, at) => ((bytes[at] ?? 0) & (mask[at] ?? 0)) === byte)
}

function notANetwork(text: string, cause?: unknown): XdplbError {
  return new XdplbError('USAGE', `parse network: "${text}", expected ADDRESS or ADDRESS/BITS`, { cause })
}
