import { addressBytes, addressFromBytes, compareAddresses, familyOf } from '../../address.js'
import { lines } from '../block-rows.js'
import { address, integer, oneOf, portOrZero, text } from '../codec.js'
import type { GroupEntry, VirtualServerGroup } from '../model.js'
import { head } from '../rows.js'
import { defineBlock, type Head, positional } from '../schema.js'
import type { Word } from '../words.js'
import { COUNT_MAX } from './global.js'

/** `fwmark N [inet|inet6]`, or a range of addresses and `[PORT]`. */
const markOrRange: Head<GroupEntry> = {
  min: 1,
  max: 3,
  assign([first, second, third], report) {
    if (first === undefined) return []
    if (first.text === 'fwmark') return [...part('fwmark', second), ...part('family', third)]
    const range = rangeOf(first.text)
    if (range === undefined) {
      const message = `Invalid virtual server group IP address ${first.text} - skipping`
      report.error(first, 'invalid-value', message)
      return []
    }
    const last: Word = { ...first, text: range.last }
    return [['first', { ...first, text: range.first }], ['last', last], ...part('port', second)]
  },
  join({ first = '', last, port = '0', fwmark, family }) {
    if (fwmark !== undefined) return ['fwmark', fwmark, ...(family === undefined ? [] : [family])]
    return [last === first ? first : `${first}-${last}`, ...(port === '0' ? [] : [port])]
  },
}

const groupEntry = defineBlock<GroupEntry, undefined>('virtual_server_group', {
  head: markOrRange,
  fields: {
    first: head(address),
    last: head(address, { inherit: self => self.first }),
    port: head(portOrZero, { default: 0 }),
    fwmark: head(integer(0, COUNT_MAX)),
    family: head(oneOf('inet', 'inet6')),
  },
  settle(entry, { report, places }) {
    const { first, last, fwmark } = entry
    const refuse = (message: string) => report.error(places.of(entry), 'invalid-value', message)
    if (first === undefined || last === undefined) return fwmark === undefined ? undefined : entry
    if (fwmark !== undefined) refuse('addresses and a fwmark in one entry')
    else if (familyOf(first) !== familyOf(last))
      refuse(`Range address families do not match ${first}-${last}`)
    else if (compareAddresses(first, last) > 0) {
      refuse(`Address range end is less than address range start - ${first}-${last} - skipping`)
    } else return entry
    return undefined
  },
})

export const virtualServerGroup = defineBlock<VirtualServerGroup, undefined>('virtual_server_group', {
  head: positional(1, 'name'),
  lines: 'entries',
  fields: { name: head(text(), { required: 'no name' }), entries: lines(groupEntry) },
  settle(group, { report, places }) {
    if (group.entries.length > 0) return group
    const message = `virtual server group ${group.name} has no entries - removing`
    report.error(places.of(group), 'incomplete', message)
    return undefined
  },
})

function part<K extends keyof GroupEntry>(key: K, word: Word | undefined): [K, Word][] {
  return word === undefined ? [] : [[key, word]]
}

/** `FIRST`, `FIRST-LAST`, `FIRST-N` (the last 8 bits, in IPv6 16 in hexadecimal), `NETWORK/BITS`. */
function rangeOf(text: string): { readonly first: string; readonly last: string } | undefined {
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
function network(first: NonNullable<GroupEntry['first']>, bits: string) {
  const length = Number(bits)
  const bytes = familyOf(first) === 4 ? addressBytes(first).subarray(12) : addressBytes(first)
  if (!/^\d+$/.test(bits) || length < 1 || length > bytes.length * 8) return undefined
  const hostMask = bytes.map((_, index) => 0xff >> Math.max(0, Math.min(8, length - 8 * index)))
  if (bytes.some((byte, index) => (byte & (hostMask[index] ?? 0)) !== 0)) return undefined
  return { first, last: addressFromBytes(bytes.map((byte, index) => byte | (hostMask[index] ?? 0))) }
}
