import { geometryFor, tableBytes } from '../lib/dataplane/geometry.js'
import { limit } from '../lib/dataplane/layout.gen.js'
import { Flood } from '../test/tools/flood.js'
import { buildFrame, type TcpFlag } from '../test/tools/packet.js'
import { startBalancer } from './balancer.js'
import type { Table } from './table.js'

/** Flows that begin at about the same time. */
const AT_A_TIME = 1024

const sizes = [65_536, 262_144, 1_048_576, 4_194_304]

/** How many lose their place when exactly as many flows, or clients, come as the tables are made for? */
export function countLostPlaces(): Table {
  return {
    title: 'Tables as full as they are made for: who has lost its place to another',
    headings: ['max_flows, max_templates', 'slots', 'memory', 'flows lost', 'share', 'clients lost', 'share'],
    rows: sizes.map(rowOf),
  }
}

function rowOf(most: number): string[] {
  const geometry = geometryFor(most, most)
  using balancer = startBalancer(most)
  balancer.apply({}, { port: 443, persistence: { seconds: 7200 } })
  const flood = (destinationPort: number, flags: TcpFlag[]) =>
    new Flood(balancer.loaded.program, buildFrame({ sourcePort: 1, destinationPort, flags }))
  using syns = flood(80, ['SYN'])
  using acks = flood(80, ['ACK'])
  using clients = flood(443, ['SYN'])
  for (let first = 0; first < most; first += AT_A_TIME) {
    syns.send(AT_A_TIME, first)
    acks.send(AT_A_TIME, first)
  }
  const before = balancer.verdicts().pass_no_flow
  acks.send(most, 0)
  const flows = balancer.verdicts().pass_no_flow - before
  clients.send(most, 0)
  const { template_evicted } = balancer.events()
  return [
    most.toLocaleString('en'),
    (geometry.flowBuckets * limit.ways).toLocaleString('en'),
    `${(tableBytes(geometry) / 2 ** 20).toFixed(0)} MiB`,
    ...[flows, template_evicted].flatMap(lost => [`${lost}`, `${((100 * lost) / most).toFixed(3)} %`]),
  ]
}
