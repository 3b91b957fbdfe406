import { integer } from '../codec.js'
import type { Tuning } from '../model.js'
import { value } from '../rows.js'
import { defineBlock } from '../schema.js'

/** What keepalived does not have; it would run the words in it. So never in a file that it reads too. */
export const xdplb = defineBlock<Tuning, undefined>('xdplb', {
  fields: { maxFlows: value('max_flows', integer(1024, 16_777_216), { honoured: true, default: 262_144 }) },
})
