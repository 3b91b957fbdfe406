import { setImmediate as turn } from 'node:timers/promises'
import { XdplbError } from '../errors.js'
import { changes, hitsOf } from './hits.js'
import { type Extent, type Mode, modesFor } from './modes.js'
import { type Spread, spreadOf } from './numbers.js'
import { layBalancer, layFloor, layNftables, layNothing, layRouter, type Path } from './paths.js'
import type { Rig } from './rig.js'
import type { Cost } from './source.js'

/** What it costs a packet to be made, sent over a veth, forwarded, sent back and counted. */
export interface PathCost {
  readonly path: string
  /** CPU time of one packet, in ns. */
  readonly cpu: Spread
  /** Millions of packets a second by the clock on the wall, in the best round. */
  readonly mpps: number
  /** To how many stations they were sent on. */
  readonly stations: number
}

interface Row {
  readonly name: string
  readonly path: Path
  readonly mode: Mode
  readonly costs: Cost[]
  stations: number
}

/** Modes of the balancer that say something new end to end. */
const shown = /^established|^UDP|^IPv6|^new SYN, (table warm|persistence, new client)/

/**
 * What does a packet cost end to end, and beside what a Linux host offers without us? Packets come from live frames of
 * BPF_PROG_TEST_RUN, go over a veth, through what is measured, back, and into a program that counts and drops them.
 * All of it happens in softirqs of one CPU within the system call, so the CPU time of the thread is the whole of it.
 * Throws when a packet was lost.
 */
export async function measurePaths(
  rig: Rig,
  extent: Extent,
  onRound?: (done: number) => unknown,
): Promise<PathCost[]> {
  const rows = rowsOf(rig, modesFor(extent))
  for (let round = 0; round < extent.rounds; round++) {
    for (const row of rows) {
      measure(rig, row)
      await turn()
    }
    onRound?.(round + 1)
  }
  return rows.map(({ name, costs, stations }) => ({
    path: name,
    cpu: spreadOf(costs.map(({ cpu }) => cpu)),
    mpps: 1e3 / spreadOf(costs.map(({ wall }) => wall)).min,
    stations,
  }))
}

function rowsOf(rig: Rig, modes: readonly Mode[]): Row[] {
  const [one, ...others] = modes.filter(({ name }) => shown.test(name))
  if (one === undefined) return []
  const nftables = layNftables(rig)
  const balancer = layBalancer(rig)
  const beside = [
    { name: 'nothing: made, sent, dropped', path: layNothing(rig) },
    { name: 'floor: MAC addresses swapped', path: layFloor(rig) },
    ...(nftables ? [{ name: 'nftables at ingress, one server', path: nftables }] : []),
    { name: 'kernel forwarding, static route', path: layRouter(rig) },
  ].map(({ name, path }) => ({ name, path, mode: withoutTables(one) }))
  const ours = [one, ...others].map(mode => ({ name: `xdplb: ${mode.name}`, path: balancer, mode }))
  return [...beside.slice(0, 2), ...ours, ...beside.slice(2)].map(row => ({ ...row, costs: [], stations: 0 }))
}

/** The same packets, for who keeps no tables of ours. */
function withoutTables(mode: Mode): Mode {
  return { ...mode, expected: {}, prepare() {} }
}

function measure(rig: Rig, row: Row): void {
  const { cable, destination } = row.path
  const { packet, walk, packets, prepare } = row.mode
  prepare(rig)
  const [before, counters] = [rig.source.arrived(), rig.balancer.counters()]
  row.costs.push(rig.send(cable, packet.family === 6 ? packet : { destination, ...packet }, walk, packets))
  const arrived = rig.source.arrived().map((total, station) => total - (before[station] ?? 0))
  const all = arrived.reduce((sum, count) => sum + count, 0)
  const counts = changes(counters, rig.balancer.counters())
  hitsOf(row.mode, counts)
  const forwarded = 'tx' in row.mode.expected ? counts.tx : packets
  if (all !== forwarded) {
    throw new XdplbError('USAGE', `measure ${row.name}: ${all} packets came back, expected ${forwarded}`)
  }
  row.stations = arrived.filter(count => count > 0).length
}
