import { addressBytes, addressFromBytes, compareAddresses, familyOf } from '../../address.js'
import { address } from '../codec.js'
import type { AddressRange } from '../model.js'
import type { Word } from '../words.js'

/** Both ends of `FIRST`, `FIRST-LAST`, `FIRST-N` (the last 8 bits, in IPv6 16 in hexadecimal), `NETWORK/BITS`. */
export function splitRange(word: Word): { readonly first: Word; readonly last: Word } | undefined {
  const range = endsOf(word.text)
  return range && { first: { ...word, text: range.first }, last: { ...word, text: range.last } }
}

/** Those of {@link splitRange} again, `FIRST` alone where it is the last. */
export function joinRange(first: string, last: string | undefined): string {
  return last === undefined || last === first ? first : `${first}-${last}`
}

/** Whether the range is one, or what is wrong has been reported. */
export function isRange({ first, last }: AddressRange, refuse: (message: string) => void): boolean {
  if (familyOf(first) !== familyOf(last)) {
    refuse(`Range address families do not match ${first}-${last}`)
  } else if (compareAddresses(first, last) > 0) {
    refuse(`Address range end is less than address range start - ${first}-${last} - skipping`)
  } else return true
  return false
}

function endsOf(text: string): { readonly first: string; readonly last: string } | undefined {
  const [, start = '', sign, end = ''] = /^([^-/]+)(?:([-/])(.+))?$/.exec(text) ?? []
  const first = address.parse(start).value
  if (first === undefined) return undefined
  if (sign === undefined) return { first, last: first }
  if (sign === '/') return network(first, end)
  const isWhole = end.includes(familyOf(first) === 4 ? '.' : ':')
  const last = address.parse(isWhole ? end : start.replace(/[^.:]*$/, end)).value
  return last === undefined ? undefined : { first, last }
}

/** All addresses of a network. Nothing when the address has bits behind the prefix. */
function network(first: AddressRange['first'], bits: string): AddressRange | undefined {
  const length = Number(bits)
  const bytes = familyOf(first) === 4 ? addressBytes(first).subarray(12) : addressBytes(first)
  if (!/^\d+$/.test(bits) || length < 1 || length > bytes.length * 8) return undefined
  const hostMask = bytes.map((_, index) => 0xff >> Math.max(0, Math.min(8, length - 8 * index)))
  if (bytes.some((byte, index) => (byte & (hostMask[index] ?? 0)) !== 0)) return undefined
  return { first, last: addressFromBytes(bytes.map((byte, index) => byte | (hostMask[index] ?? 0))) }
}
