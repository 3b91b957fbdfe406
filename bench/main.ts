import { parseArgs } from 'node:util'
import { pinThread } from '../lib/net/thread.js'
import { timeConfigParse } from './config-parse.js'
import { weighDaemon } from './daemon-memory.js'
import { tellPathCosts } from './end-to-end.js'
import { tellFailoverGaps } from './failover-gap.js'
import { countLostPlaces } from './full-tables.js'
import { tellBesideIpvs } from './ipvs.js'
import { describeMachine } from './machine.js'
import { timeMapAccess } from './map-access.js'
import { tellPacketCosts } from './packet-cost.js'
import { timeServicesApply } from './services-apply.js'
import { markdown, type Table } from './table.js'
import { timeTableWalk } from './table-walk.js'

// tsx bench/main.ts [QUESTION...] [--max-flows N] [--packets N] [--rounds N] [--cpu N]: the answers as Markdown. Needs root.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'max-flows': { type: 'string', default: '1048576' },
    packets: { type: 'string', default: '1048576' },
    rounds: { type: 'string' },
    cpu: { type: 'string' },
  },
})
const maxFlows = Number(values['max-flows'])
const extent = { maxFlows, packets: Number(values.packets), rounds: Number(values.rounds ?? 9) }

const questions: Readonly<Record<string, () => Table | Promise<Table>>> = {
  packets: () => tellPacketCosts(extent),
  paths: () => tellPathCosts(extent),
  config: timeConfigParse,
  services: timeServicesApply,
  maps: timeMapAccess,
  full: countLostPlaces,
  walk: () => timeTableWalk(maxFlows),
}

/** About many processes, so not on one CPU; and for minutes, so only when it is asked for. */
const longQuestions: Readonly<Record<string, () => Promise<Table>>> = {
  ipvs: tellBesideIpvs,
  memory: weighDaemon,
  failover: () => tellFailoverGaps(Number(values.rounds ?? 20)),
}

console.log(describeMachine().join('\n'))
for (const [name, answer] of Object.entries(longQuestions)) {
  if (positionals.includes(name)) console.log(`\n${markdown(await answer())}`)
}
using _pinned = pinThread(values.cpu === undefined ? undefined : Number(values.cpu))
for (const [name, answer] of Object.entries(questions)) {
  if (positionals.length === 0 || positionals.includes(name)) console.log(`\n${markdown(await answer())}`)
}
