import type { Frame } from '../test/tools/packet.js'
import type { Walk } from './front.js'
import { ports, type Rig } from './rig.js'

/** One kind of packet, and the state of the tables that it finds. */
export interface Mode {
  readonly name: string
  /** Net ns that it may cost on a quiet machine. */
  readonly budget: number
  readonly frame: Frame
  readonly walk: Walk
  readonly packets: number
  /** What every packet must bring about; a count that is not named must be 0. */
  readonly expected: Readonly<Record<string, number>>
  prepare(rig: Rig): void
}

/** Established flows have low numbers, new ones begin here. */
const UNSEEN = 2 ** 28

/** Enough for 20 ms or more of each. */
const PACKETS = 2 ** 20

const syn: Frame = { flags: ['SYN'] }
const ack: Frame = { flags: ['ACK'] }
const dns: Frame = { protocol: 'udp', destinationPort: ports.dns }
const httpsSyn: Frame = { flags: ['SYN'], destinationPort: ports.https }

const counting: Walk = { order: 'counting' }
const unseen: Walk = { order: 'counting', from: UNSEEN }

/** @param maxFlows what the tables are made for, 262,144 or more; they have twice as many slots */
export function modesFor(maxFlows: number): Mode[] {
  const few = maxFlows / 4
  return [
    ...[
      { flows: 1, budget: 12 },
      { flows: 1024, budget: 14 },
      { flows: 131_072, budget: 50 },
      { flows: 1_048_576, budget: 100 },
    ]
      .filter(({ flows }) => flows <= maxFlows)
      .map(({ flows, budget }) => established(flows, budget)),
    {
      name: 'UDP, 131,072 flows',
      budget: 50,
      frame: dns,
      walk: { order: 'random', flows: 131_072 },
      packets: PACKETS,
      expected: { tx: 1 },
      prepare: rig => send(rig, 131_072, dns, dns),
    },
    {
      name: 'new SYN, table warm',
      budget: 90,
      frame: syn,
      walk: unseen,
      packets: few,
      expected: { tx: 1, flow_made: 1 },
      prepare: rig => establish(rig, maxFlows / 2),
    },
    {
      name: 'new SYN, table full',
      budget: 180,
      frame: syn,
      walk: unseen,
      packets: few,
      expected: { tx: 1, flow_made: 1, evicted: 1 },
      prepare: rig => establish(rig, 2 * rig.slots),
    },
    {
      name: 'new SYN, persistence, new client',
      budget: 300,
      frame: httpsSyn,
      walk: unseen,
      packets: few,
      expected: { tx: 1, flow_made: 1, template_made: 1 },
      prepare: rig => establish(rig, maxFlows / 2),
    },
    {
      name: 'new SYN, persistence, known client',
      budget: 300,
      frame: httpsSyn,
      walk: { ...unseen, clients: 131_072 },
      packets: few,
      expected: { tx: 1, flow_made: 1 },
      prepare: rig => send(rig, 131_072, httpsSyn),
    },
    {
      name: 'not for a VIP',
      budget: 5,
      frame: { flags: ['ACK'], destination: '10.0.2.8' },
      walk: counting,
      packets: PACKETS,
      expected: { pass_not_vip: 1 },
      prepare: rig => rig.balancer.clear(),
    },
  ]
}

function established(flows: number, budget: number): Mode {
  return {
    name: `established, ${flows.toLocaleString('en')} ${flows === 1 ? 'flow' : 'flows'}`,
    budget,
    frame: ack,
    walk: { order: 'random', flows },
    packets: PACKETS,
    expected: { tx: 1 },
    prepare: rig => establish(rig, flows),
  }
}

/** That many flows in an empty table, each with a SYN and an ACK. */
function establish(rig: Rig, flows: number): void {
  send(rig, flows, syn, ack)
}

function send(rig: Rig, flows: number, ...frames: Frame[]): void {
  rig.balancer.clear()
  for (const frame of frames) rig.run('xdplb', frame, counting, flows)
}
