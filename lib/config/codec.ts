import { inspect } from 'node:util'
import { type Address, familyOf, isAddress, parseAddress } from '../address.js'
import type { PortRange } from '../service.js'
import { joinCommand, splitCommand } from './words.js'

/** What came of a word: a value, what is wrong with it, or both when keepalived uses it all the same. */
export interface Parsed<V> {
  readonly value?: V
  readonly problem?: string
}

/** One word of the language ⇄ one value. */
export interface Codec<V> {
  /** For messages about typed objects: `1..255`, `'MASTER' or 'BACKUP'`. */
  readonly expected: string
  /** The value must not appear in any message. */
  readonly secret?: boolean
  parse(word: string): Parsed<V>
  /** The value, if a program may give it; undefined otherwise. */
  accept(value: unknown): V | undefined
  print(value: V): string
}

/** Decimal digits. Messages are keepalived's. */
export function integer(min: number, max: number): Codec<number> {
  return {
    expected: `${min}..${max}`,
    parse(word) {
      if (!/^\s*[+-]?\d+$/.test(word)) return { problem: `invalid number '${word}'` }
      const value = Number(word)
      if (min >= 0 && value < 0) return { problem: `negative number '${word}'` }
      return value < min || value > max ? { problem: outside(word, `${min}, ${max}`) } : { value }
    },
    accept: value =>
      isNumber(value) && Number.isInteger(value) && value >= min && value <= max ? value : undefined,
    print: String,
  }
}

/** A count or a time of at least 1, for which keepalived still takes 0. */
export function positive(max: number): Codec<number> {
  const codec = integer(1, max)
  const zero = { value: 1, problem: 'must be greater than 0, setting to 1' }
  return { ...codec, parse: word => (/^0+$/.test(word) ? zero : codec.parse(word)) }
}

/** The largest time that keepalived takes is larger than a number can hold to the microsecond. */
const LONGEST_SECONDS = 2 ** 33

/** Seconds with up to six decimals; bounds are in seconds too. */
export function seconds(min: number, max: number = LONGEST_SECONDS, decimals = 6): Codec<number> {
  const round = (value: number) => Number(value.toFixed(decimals))
  const fits = (value: number) => value >= min && value <= max
  return {
    expected: `${min}..${max} seconds, at most ${decimals} decimals`,
    parse(word) {
      if (word.startsWith('-')) return { problem: `negative number '${word}'` }
      const [match, , decimalDigits = ''] = /^(?=.*\d)(\d*)(?:\.(\d*))?$/.exec(word) ?? []
      if (match === undefined) return { problem: `invalid number '${word}'` }
      const value = round(Number(word))
      if (!fits(value))
        return { problem: outside(word, `${min.toFixed(decimals)}, ${max.toFixed(decimals)}`) }
      return decimalDigits.length > decimals
        ? { value, problem: `number '${word}' has too many decimal places` }
        : { value }
    },
    accept: value => (isNumber(value) && fits(value) && value === round(value) ? value : undefined),
    print: String,
  }
}

/** One of a few words. `words` maps values to what is written; keepalived ignores case in protocols only. */
export function choice<V extends string | number | boolean>(
  words: ReadonlyMap<V, string>,
  { ignoreCase = false } = {},
): Codec<V> {
  const fold = (word: string) => (ignoreCase ? word.toLowerCase() : word)
  const values = new Map([...words].map(([value, word]) => [fold(word), value]))
  return {
    expected: [...words.keys()].map(value => inspect(value)).join(' or '),
    parse(word) {
      const value = values.get(fold(word))
      return value === undefined
        ? { problem: `unknown value '${word}', expected ${[...words.values()].join(', ')}` }
        : { value }
    },
    accept: given => [...words.keys()].find(value => value === given),
    print: value => words.get(value) ?? '',
  }
}

/** A choice whose values are the words themselves. */
export function oneOf<const V extends string>(...words: readonly V[]): Codec<V> {
  return choice(new Map(words.map(word => [word, word])))
}

/** The six spellings of yes and no that keepalived knows, in lower case only. */
export const boolean: Codec<boolean> = {
  expected: 'true or false',
  parse(word) {
    if (['on', 'true', 'yes'].includes(word)) return { value: true }
    if (['off', 'false', 'no'].includes(word)) return { value: false }
    return { problem: `unknown value '${word}', expected on, true, yes, off, false or no` }
  },
  accept: value => (typeof value === 'boolean' ? value : undefined),
  print: value => (value ? 'on' : 'off'),
}

/** An address in any notation that `inet_pton` takes. */
export const address: Codec<Address> = {
  expected: 'an IPv4 or IPv6 address',
  parse(word) {
    const value = toAddress(word)
    return value === undefined ? { problem: `Invalid IP address ${word}` } : { value }
  },
  accept: value => (typeof value === 'string' ? toAddress(value) : undefined),
  print: value => value,
}

/** A netmask in IPv4, solid or not; in IPv6 the number of bits, kept as the mask that it stands for. */
export const clientMask: Codec<Address> = {
  expected: 'a mask: 255.255.255.0, ffff:ffff::',
  parse(word) {
    const bits = /^\d+$/.test(word) ? Number(word) : 0
    const value = word.includes('.')
      ? toAddress(word)
      : bits >= 1 && bits <= 128
        ? prefixMask(bits)
        : undefined
    return value === undefined
      ? { problem: `Invalid persistence_granularity specified - ${word}, expected a netmask or 1..128` }
      : { value }
  },
  accept(value) {
    const mask = address.accept(value)
    return mask === undefined || familyOf(mask) === 4 || maskBits(mask) > 0 ? mask : undefined
  },
  print: mask => (familyOf(mask) === 4 ? mask : String(maskBits(mask))),
}

/** Any text that can be written in quotes, `maxLength` UTF-16 units at most. */
export function text(maxLength = 255): Codec<string> {
  return {
    expected: `a text of 1..${maxLength} characters without quotes, control characters or a final backslash`,
    parse: word => (word === '' ? { problem: "empty text ''" } : { value: word }),
    accept: value => (typeof value === 'string' && isWritable(value, maxLength) ? value : undefined),
    print: value => value,
  }
}

/** A text that is not repeated in any message, cut to `maxBytes`. */
export function secret(maxBytes: number): Codec<string> {
  return {
    ...text(),
    expected: `a text of 1..${maxBytes} bytes`,
    secret: true,
    parse(word) {
      if (Buffer.byteLength(word) <= maxBytes) return text().parse(word)
      return { value: cut(word, maxBytes), problem: `Truncating to ${maxBytes} characters` }
    },
    accept: value =>
      typeof value === 'string' && isWritable(value, maxBytes) && Buffer.byteLength(value) <= maxBytes
        ? value
        : undefined,
  }
}

/** IFNAMSIZ of linux/if.h, the NUL included, bounds the names of interfaces and the labels of addresses. */
export const interfaceName: Codec<string> = {
  ...text(15),
  expected: 'a name of 1..15 characters',
  parse: word =>
    Buffer.byteLength(word) > 15 ? { problem: `Interface name '${word}' too long` } : text().parse(word),
}

/** The program and its arguments, in one word for scripts. */
export const command: Codec<readonly string[]> = {
  expected: 'a list of a program and its arguments',
  parse(word) {
    const argv = splitCommand(word)
    if (argv === undefined) return { problem: 'a quote in the command is not closed' }
    return argv[0] ? { value: argv } : { problem: 'empty command' }
  },
  accept: value =>
    Array.isArray(value) &&
    value.length > 0 &&
    value[0] !== '' &&
    value.every(word => typeof word === 'string' && isArgument(word))
      ? value
      : undefined,
  print: joinCommand,
}

export const port: Codec<number> = integer(1, 65535)

/** `FIRST-LAST`, or one port. */
export const portRange: Codec<PortRange> = {
  expected: '{ first, last }, each 1..65535',
  parse(word) {
    const [, from = '', to = from] = /^(.*?)(?:-(.*))?$/s.exec(word) ?? []
    const [first, last] = [port.parse(from), port.parse(to)]
    if (first.value === undefined || last.value === undefined) {
      return { problem: first.problem ?? last.problem ?? '' }
    }
    return first.value > last.value
      ? { problem: `Port range end is less than port range start - ${word}` }
      : { value: { first: first.value, last: last.value } }
  },
  accept(value) {
    if (typeof value !== 'object' || value === null || !('first' in value && 'last' in value))
      return undefined
    const [first, last] = [port.accept(value.first), port.accept(value.last)]
    return first === undefined || last === undefined || first > last ? undefined : { first, last }
  },
  print: ({ first, last }) => (first === last ? String(first) : `${first}-${last}`),
}

/** A port where 0 stands for "none given". */
export const portOrZero: Codec<number> = integer(0, 65535)

function outside(word: string, range: string): string {
  return `number '${word}' outside range [${range}]`
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

function toAddress(word: string): Address | undefined {
  if (isAddress(word)) return word
  try {
    return parseAddress(word)
  } catch {
    return undefined
  }
}

function prefixMask(bits: number): Address {
  const groups = Array.from(
    { length: 8 },
    (_, i) => 0xffff & ~(0xffff >> Math.max(0, Math.min(16, bits - 16 * i))),
  )
  return parseAddress(groups.map(group => group.toString(16)).join(':'))
}

/** The prefix length of a mask in IPv6; 0 when its bits are not in one row. */
function maskBits(mask: Address): number {
  const lengths = Array.from({ length: 128 }, (_, i) => i + 1)
  return lengths.find(bits => prefixMask(bits) === mask) ?? 0
}

/** In quotes nothing stands for `"`, and a backslash would hide the closing one. */
function isWritable(value: string, maxLength: number): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: lines cannot hold them
  return value.length >= 1 && value.length <= maxLength && !/["\x00-\x1f\x7f\ufeff]|\\$/.test(value)
}

function isArgument(value: string): boolean {
  return !value.includes('\0') && value.length <= 255
}

function cut(word: string, maxBytes: number): string {
  return [...word].reduce(
    (kept, next) => (Buffer.byteLength(kept + next) <= maxBytes ? kept + next : kept),
    '',
  )
}
