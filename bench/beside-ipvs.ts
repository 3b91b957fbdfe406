import { layBalancer, layFloor, layRouter, type Path } from '../lib/bench/paths.js'
import { type Packet, Rig } from '../lib/bench/rig.js'
import type { Walk } from '../lib/bench/walk.js'
import { XdplbError } from '../lib/errors.js'
import { layIpvs } from './ipvs-director.js'

// node --import tsx bench/beside-ipvs.ts PACKETS ROUNDS: what a packet costs by the clock on the wall, in ns of each
// round, from the driver's hands on until a station has it, through xdplb and through IPVS of one kernel, all taking
// turns; as JSON. bench/ipvs.ts runs it in an emulated machine.

/** What a packet took, in ns of each round. */
export interface Turn {
  readonly director: string
  readonly flows: number
  readonly ns: number[]
}

const MANY = 65_536

const [packets = MANY, rounds = 1] = process.argv.slice(2).map(Number)

using rig = await Rig.open(4 * MANY)
const directors = Object.entries({
  floor: layFloor(rig),
  xdplb: layBalancer(rig),
  IPVS: layIpvs(rig),
  'kernel forwarding': layRouter(rig),
})
const turns: (Turn & { path: Path })[] = [1, MANY].flatMap(flows =>
  directors.map(([director, path]) => ({ director, path, flows, ns: [] })),
)

for (let round = 0; round < rounds; round++)
  for (const { path, flows, ns } of turns) {
    const packet = (flag: 'syn' | 'ack'): Packet => ({ flag, destination: path.destination })
    rig.balancer.clear()
    for (const flag of ['syn', 'ack'] as const) {
      rig.deliver(path, packet(flag), { order: 'counting', flows }, flows)
    }
    ns.push(measure(path, packet('ack'), { order: 'random', flows }))
  }
console.log(JSON.stringify(turns.map(({ path: _, ...turn }) => turn)))

/** Sends the packets, and sees to it that all of them come back. */
function measure(path: Path, packet: Packet, walk: Walk): number {
  const total = () => rig.source.arrived().reduce((sum, count) => sum + count, 0)
  const before = total()
  const { wall } = rig.deliver(path, packet, walk, packets)
  const returned = total() - before
  if (returned === packets) return wall
  throw new XdplbError(
    'USAGE',
    `measure ${path.cable.far.name}: ${returned} packets came back, expected ${packets}`,
  )
}
