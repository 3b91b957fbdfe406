import { familyOf } from '../../address.js'
import { lines } from '../block-rows.js'
import { address, integer, oneOf, portOrZero, text } from '../codec.js'
import type { GroupEntry, VirtualServerGroup } from '../model.js'
import { head } from '../rows.js'
import { defineBlock, type Head, positional } from '../schema.js'
import type { Word } from '../words.js'
import { isRange, joinRange, splitRange } from './address-range.js'
import { COUNT_MAX } from './global.js'

/** `fwmark N [inet|inet6]`, or a range of addresses and `[PORT]`. */
const markOrRange: Head<GroupEntry> = {
  min: 1,
  max: 3,
  assign([first, second, third], report) {
    if (first === undefined) return []
    if (first.text === 'fwmark') return [...part('fwmark', second), ...part('family', third)]
    const range = splitRange(first)
    if (range !== undefined) return [['first', range.first], ['last', range.last], ...part('port', second)]
    const message = `Invalid virtual server group IP address ${first.text} - skipping`
    report.error(first, 'invalid-value', message)
    return []
  },
  join({ first = '', last, port = '0', fwmark, family }) {
    if (fwmark !== undefined) return ['fwmark', fwmark, ...(family === undefined ? [] : [family])]
    return [joinRange(first, last), ...(port === '0' ? [] : [port])]
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
    if (fwmark === undefined) return isRange({ first, last }, refuse) ? entry : undefined
    refuse('addresses and a fwmark in one entry')
    return undefined
  },
})

export const virtualServerGroup = defineBlock<VirtualServerGroup, undefined>('virtual_server_group', {
  head: positional(1, 'name'),
  lines: 'entries',
  fields: { name: head(text(), { required: 'no name' }), entries: lines(groupEntry) },
  settle(group, { report, places }) {
    const { name, entries } = group
    const families = new Set(entries.flatMap(({ first }) => (first === undefined ? [] : familyOf(first))))
    const remove = (why: string) =>
      report.error(places.of(group), 'incomplete', `virtual server group ${name} ${why} - removing`)
    if (entries.length === 0) remove('has no entries')
    else if (families.size === 2 && entries.some(isMarkOfEither))
      remove('cannot have IPv4, IPv6 and fwmark without family')
    else return group
    return undefined
  },
})

function part<K extends keyof GroupEntry>(key: K, word: Word | undefined): [K, Word][] {
  return word === undefined ? [] : [[key, word]]
}

function isMarkOfEither({ fwmark, family }: GroupEntry): boolean {
  return fwmark !== undefined && family === undefined
}
