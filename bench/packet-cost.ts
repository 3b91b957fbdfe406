import type { Extent } from '../lib/bench/modes.js'
import type { Spread } from '../lib/bench/numbers.js'
import { measurePackets } from '../lib/bench/packet-cost.js'
import { Rig } from '../lib/bench/rig.js'
import type { Table } from './table.js'

/** What does a packet cost over the least that any balancer does? */
export async function tellPacketCosts(extent: Extent): Promise<Table> {
  using rig = await Rig.open(extent.maxFlows)
  const costs = await measurePackets(rig, extent)
  const front = Math.min(...costs.map(({ nothing }) => nothing.min))
  return {
    title: `Packets: net ns over the floor, of ${extent.rounds} rounds; tables for ${extent.maxFlows.toLocaleString('en')} flows`,
    headings: ['packet', 'budget', 'min', 'median', 'a miss: min', 'median', 'floor', 'hits'],
    rows: costs.map(({ packet, budget, net, miss, floor, hits }) => [
      packet,
      String(budget),
      ...cells(net),
      ...cells(miss),
      ns(floor.min),
      `${(hits * 100).toFixed(2)} %`,
    ]),
    notes: [
      `The front alone: ${ns(front)} ns.`,
      'A miss: a program that reads one line of the flow table and swaps the addresses, net as well.',
      'Floor: front and loop included.',
    ],
  }
}

function cells({ min, median }: Spread): string[] {
  return [ns(min), ns(median)]
}

function ns(value: number): string {
  return value.toFixed(1)
}
