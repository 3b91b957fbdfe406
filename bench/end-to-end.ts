import { measurePaths } from '../lib/bench/end-to-end.js'
import type { Extent } from '../lib/bench/modes.js'
import { Rig } from '../lib/bench/rig.js'
import type { Table } from './table.js'

/** What does a packet cost from veth to veth, and beside what a Linux host offers without us? */
export async function tellPathCosts(extent: Extent): Promise<Table> {
  using rig = await Rig.open(extent.maxFlows)
  const costs = await measurePaths(rig, extent)
  const floor = costs.find(({ path }) => path.startsWith('floor'))?.cpu.min ?? Number.NaN
  return {
    title: `End to end on veth, native XDP: CPU ns per packet, of ${extent.rounds} rounds`,
    headings: ['path', 'min', 'median', 'of the floor', 'best Mpps', 'stations'],
    rows: costs.map(({ path, cpu, mpps, stations }) => [
      path,
      cpu.min.toFixed(0),
      cpu.median.toFixed(0),
      `${(cpu.min / floor).toFixed(2)} x`,
      mpps.toFixed(2),
      String(stations),
    ]),
    notes: [
      'Everything on one CPU: making the packet, the way there, forwarding, the way back, counting and dropping.',
      'No packet was lost. Stations: how many MAC addresses the packets were sent on to.',
    ],
  }
}
