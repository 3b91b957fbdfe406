import { blocks } from '../block-rows.js'
import { choice, integer } from '../codec.js'
import type { Tuning } from '../model.js'
import { type RowOptions, value } from '../rows.js'
import { defineBlock, type Row } from '../schema.js'
import { mark } from './mark.js'
import { settleMarks } from './mark-rules.js'

const MOST_FLOWS = 16_777_216
/** Of which each has two slots, and those are counted in 24 bits. */
const MOST_TEMPLATES = 8_388_608

/** As the kernel's sysctls have it. */
const zeroOrOne = choice(
  new Map([
    [false, '0'],
    [true, '1'],
  ]),
)

function sysctl<T, O>(keyword: string, options: RowOptions<boolean, T, O>): Row<boolean, T, O> {
  return value(keyword, zeroOrOne, options)
}

/** What keepalived does not have; it would run the words in it. So never in a file that it reads too. */
export const xdplb = defineBlock<Tuning, undefined>('xdplb', {
  fields: {
    maxFlows: value('max_flows', integer(1024, MOST_FLOWS), { honoured: true, default: 262_144 }),
    maxTemplates: value('max_templates', integer(1024, MOST_TEMPLATES), {
      honoured: true,
      inherit: ({ maxFlows }) => maxFlows && Math.min(maxFlows, MOST_TEMPLATES),
    }),
    maxFragments: value('max_fragments', integer(256, 1_048_576), { honoured: true, default: 16_384 }),
    expireNodestConn: sysctl('expire_nodest_conn', { honoured: true, default: false }),
    expireQuiescentTemplate: sysctl('expire_quiescent_template', { honoured: true, default: false }),
    connReuseMode: value('conn_reuse_mode', integer(0, 3), { honoured: true, default: 1 }),
    sloppyTcp: sysctl('sloppy_tcp', { honoured: true, default: false }),
    sloppySctp: sysctl('sloppy_sctp', { honoured: true, default: false }),
    backupOnly: sysctl('backup_only', { honoured: true, default: true }),
    marks: blocks(mark, () => undefined, { honoured: true }),
  },
  settle: (tuning, settling) => ({ ...tuning, marks: settleMarks(tuning.marks, settling) }),
})
