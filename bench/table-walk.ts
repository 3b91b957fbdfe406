import { mock } from 'node:test'
import { Sweeper } from '../lib/dataplane/sweeper.js'
import { Flood } from '../test/tools/flood.js'
import { buildFrame } from '../test/tools/packet.js'
import { startBalancer } from './balancer.js'
import type { Table } from './table.js'
import { timeTasks } from './timing.js'

/** For how long do walks over the flow table hold everything else up? */
export async function timeTableWalk(maxFlows: number): Promise<Table> {
  using balancer = startBalancer(maxFlows)
  balancer.apply({})
  const { tables, loaded } = balancer
  for (const flags of [['SYN'], ['ACK']] as const) {
    using flood = new Flood(loaded.program, buildFrame({ flags }))
    flood.send(maxFlows, 0)
  }
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
      `Flow table: ${maxFlows.toLocaleString('en')} flows in ${tables.flows.length.toLocaleString('en')} slots`,
      [
        { name: 'census of all slots', run: () => tables.flows.census() },
        { name: "one slice of the sweeper's", run: sweepSlice },
      ],
    )
  } finally {
    mock.timers.reset()
  }
}
