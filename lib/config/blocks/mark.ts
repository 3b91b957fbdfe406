import { eachRecord } from '../block-rows.js'
import { address, choice, integer, portRange } from '../codec.js'
import type { Mark, MarkRule } from '../model.js'
import { head, value } from '../rows.js'
import { defineBlock, type Head, positional } from '../schema.js'
import { isRange, joinRange, splitRange } from './address-range.js'
import { COUNT_MAX } from './global.js'
import { PROTOCOLS } from './protocols.js'

const range: Head<MarkRule> = {
  min: 1,
  max: 1,
  assign([word]) {
    if (word === undefined) return []
    const { first, last } = splitRange(word) ?? { first: word, last: word }
    return [
      ['first', first],
      ['last', last],
    ]
  },
  join: ({ first = '', last }) => [joinRange(first, last)],
}

/** `address RANGE [protocol tcp|udp|sctp] [port FIRST[-LAST]]` */
const rule = defineBlock<MarkRule, undefined>('address', {
  head: range,
  fields: {
    first: head(address, { required: 'no address' }),
    last: head(address, { inherit: self => self.first }),
    protocol: value('protocol', choice(PROTOCOLS, { ignoreCase: true }), { honoured: true }),
    ports: value('port', portRange, { honoured: true }),
  },
  settle(rule, { report, places }) {
    const refuse = (message: string) => report.error(places.of(rule), 'invalid-value', message)
    return isRange(rule, refuse) ? rule : undefined
  },
})

export const mark = defineBlock<Mark, undefined>('mark', {
  head: positional(1, 'mark'),
  fields: {
    mark: head(integer(1, COUNT_MAX), { required: 'no mark' }),
    rules: eachRecord('address', rule, { honoured: true }),
  },
  settle(mark, { report, places }) {
    if (mark.rules.length > 0) return mark
    report.error(places.of(mark), 'incomplete', `mark ${mark.mark} has no addresses - removing`)
    return undefined
  },
})
