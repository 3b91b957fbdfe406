import { setImmediate as turn } from 'node:timers/promises'
import { changes, hitsOf } from './hits.js'
import { type Extent, type Mode, modesFor } from './modes.js'
import { over, type Spread, spreadOf } from './numbers.js'
import type { Rig, Subject } from './rig.js'

const subjects: readonly Subject[] = ['nothing', 'floor', 'miss', 'xdplb']

/** What one kind of packet costs, in ns of CPU time. */
export interface PacketCost {
  readonly packet: string
  /** What it may cost over the floor. */
  readonly budget: number
  /** What the balancer adds to the floor. */
  readonly net: Spread
  /** What a look at one random line of the flow table adds to the floor. */
  readonly miss: Spread
  /** A program that swaps the MAC addresses, the writing of the packet and the loop around it included. */
  readonly floor: Spread
  /** The writing and the loop alone. */
  readonly nothing: Spread
  /** The share of packets that did what is measured, in the worst round. */
  readonly hits: number
}

interface Measured {
  readonly mode: Mode
  readonly costs: Readonly<Record<Subject, number[]>>
  hits: number
}

/**
 * What does a packet cost? CPU time of each kind of packet by BPF_PROG_TEST_RUN, beside two programs that do as
 * little as can be done, all taking turns, so that what disturbs one disturbs all. Throws when packets did not do
 * what they are measured for.
 *
 * The clock is the thread's CPU time around the system call: the kernel's own figure is in whole ns, and a wall clock
 * would count the time of whoever else had the CPU. Half a million packets or so make the call itself vanish.
 */
export async function measurePackets(
  rig: Rig,
  extent: Extent,
  onRound?: (done: number) => unknown,
): Promise<PacketCost[]> {
  const results = modesFor(extent).map(
    (mode): Measured => ({ mode, costs: { nothing: [], floor: [], miss: [], xdplb: [] }, hits: 1 }),
  )
  for (let round = 0; round < extent.rounds; round++) {
    for (const result of results) {
      measure(rig, result)
      await turn()
    }
    onRound?.(round + 1)
  }
  return results.map(costOf)
}

/** One turn: what it is compared with first, for that changes nothing in the tables. */
function measure(rig: Rig, result: Measured): void {
  const { packet, walk, packets, prepare } = result.mode
  prepare(rig)
  for (const subject of subjects) {
    if (subject !== 'xdplb') result.costs[subject].push(rig.run(subject, packet, walk, packets).cpu)
  }
  const before = rig.balancer.counters()
  result.costs.xdplb.push(rig.run('xdplb', packet, walk, packets).cpu)
  const hits = hitsOf(result.mode, changes(before, rig.balancer.counters()))
  result.hits = Math.min(result.hits, hits)
}

function costOf({ mode, costs, hits }: Measured): PacketCost {
  const floor = spreadOf(costs.floor)
  return {
    packet: mode.name,
    budget: mode.budget,
    net: over(spreadOf(costs.xdplb), floor),
    miss: over(spreadOf(costs.miss), floor),
    floor,
    nothing: spreadOf(costs.nothing),
    hits,
  }
}
