import { XdplbError } from '../lib/errors.js'
import type { Cost } from './front.js'
import { type Mode, modesFor } from './modes.js'
import { median, minimum } from './numbers.js'
import { type Counts, Rig, type Subject } from './rig.js'
import type { Table } from './table.js'

const subjects: readonly Subject[] = ['nothing', 'floor', 'miss', 'xdplb']

/** Of packets: flows that lost their place to another while the table was filled, signatures that were equal. */
const TOLERANCE = 0.002

interface Measured {
  readonly mode: Mode
  readonly costs: Readonly<Record<Subject, Cost[]>>
  reals: number
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
export function measurePackets({ maxFlows, rounds }: { maxFlows: number; rounds: number }): Table {
  using rig = new Rig(maxFlows)
  const results = modesFor(maxFlows).map(mode => measured(mode))
  for (let round = 0; round < rounds; round++) for (const result of results) measure(rig, result)
  return {
    title: `Packets: net ns over the floor, of ${rounds} rounds; tables for ${maxFlows.toLocaleString('en')} flows`,
    headings: [
      'packet',
      'budget',
      'min',
      'median',
      'a miss: min',
      'median',
      'floor',
      'kernel',
      'hits',
      'reals',
    ],
    rows: results.map(rowOf),
    notes: [
      `The front alone: ${ns(minimum(results.flatMap(({ costs }) => costs.nothing.map(({ cpu }) => cpu))))} ns.`,
      'A miss: a program that reads one line of the flow table and swaps the addresses, net as well.',
      'Floor, and what the kernel says of the whole: front and loop included.',
    ],
  }
}

function measured(mode: Mode): Measured {
  return { mode, costs: { nothing: [], floor: [], miss: [], xdplb: [] }, reals: 0, hits: 1 }
}

/** One turn: what it is compared with first, for that changes nothing in the tables. */
function measure(rig: Rig, result: Measured): void {
  const { frame, walk, packets } = result.mode
  result.mode.prepare(rig)
  for (const subject of subjects) {
    if (subject !== 'xdplb') result.costs[subject].push(rig.run(subject, frame, walk, packets))
  }
  const { cost, counts } = rig.count(frame, walk, packets)
  result.costs.xdplb.push(cost)
  result.reals = counts.reals ?? 0
  result.hits = Math.min(result.hits, check(result.mode, counts))
}

/** The share of packets that did what was expected of them. Throws when it is not nearly all. */
function check({ name, packets, expected }: Mode, { reals: _reals, ...counts }: Counts): number {
  const misses = Object.entries(counts).map(([what, count]) => {
    const wanted = (expected[what] ?? 0) * packets
    const missed = Math.abs(count - wanted) / packets
    if (missed <= TOLERANCE) return missed
    throw new XdplbError('USAGE', `measure ${name}: ${count} ${what}, expected ${wanted}`)
  })
  return 1 - Math.max(...misses)
}

function rowOf({ mode, costs, hits, reals }: Measured): string[] {
  const cpu = (subject: Subject) => costs[subject].map(cost => cost.cpu)
  const net = (subject: Subject, of: (values: number[]) => number) => ns(of(cpu(subject)) - of(cpu('floor')))
  return [
    mode.name,
    String(mode.budget),
    net('xdplb', minimum),
    net('xdplb', median),
    net('miss', minimum),
    net('miss', median),
    ns(minimum(cpu('floor'))),
    String(minimum(costs.xdplb.map(cost => cost.kernel))),
    `${(hits * 100).toFixed(2)} %`,
    String(reals),
  ]
}

function ns(value: number): string {
  return value.toFixed(1)
}
