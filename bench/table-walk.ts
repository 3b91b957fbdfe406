import { mock } from 'node:test'
import { Sweeper } from '../lib/dataplane/sweeper.js'
import { Rig } from './rig.js'
import type { Table } from './table.js'
import { timeTasks } from './timing.js'

/** For how long do walks over the flow table hold everything else up? */
export async function timeTableWalk(maxFlows: number): Promise<Table> {
  using rig = new Rig(maxFlows)
  const { tables, loaded } = rig.balancer
  for (const flags of [['SYN'], ['ACK']] as const)
    rig.run('xdplb', { flags }, { order: 'counting' }, maxFlows)
  mock.timers.enable({ apis: ['setInterval'] })
  let slices = 0
  const now = () => {
    slices++
    return loaded.now()
  }
  using _sweeper = new Sweeper(tables.flows, tables.templates, now, () => {})
  const sweepSlice = () => {
    for (const before = slices; slices === before; ) mock.timers.tick(1)
  }
  try {
    return await timeTasks(
      `Flow table: ${maxFlows.toLocaleString('en')} flows in ${rig.slots.toLocaleString('en')} slots`,
      [
        { name: 'census of all slots', run: () => tables.flows.census(loaded.now()) },
        { name: "one slice of the sweeper's", run: sweepSlice },
      ],
    )
  } finally {
    mock.timers.reset()
  }
}
