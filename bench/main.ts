import { parseArgs } from 'node:util'
import { timeConfigParse } from './config-parse.js'
import { describeMachine } from './machine.js'
import { timeMapAccess } from './map-access.js'
import { measurePackets } from './packet-cost.js'
import { timeServicesApply } from './services-apply.js'
import { markdown, type Table } from './table.js'
import { timeTableWalk } from './table-walk.js'
import { pinThread } from './thread.js'

// tsx bench/main.ts [QUESTION...] [--max-flows N] [--rounds N] [--cpu N]: the answers as Markdown. Needs root.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'max-flows': { type: 'string', default: '1048576' },
    rounds: { type: 'string', default: '9' },
    cpu: { type: 'string', default: '1' },
  },
})
const maxFlows = Number(values['max-flows'])

const questions: Readonly<Record<string, () => Table | Promise<Table>>> = {
  packets: () => measurePackets({ maxFlows, rounds: Number(values.rounds) }),
  config: timeConfigParse,
  services: timeServicesApply,
  maps: timeMapAccess,
  walk: () => timeTableWalk(maxFlows),
}

pinThread(Number(values.cpu))
console.log(describeMachine().join('\n'))
for (const [name, answer] of Object.entries(questions)) {
  if (positionals.length === 0 || positionals.includes(name)) console.log(`\n${markdown(await answer())}`)
}
