import { parseAddress } from '../address.js'
import { ports } from './balancer.js'
import type { Packet, Rig } from './rig.js'
import type { Walk } from './walk.js'

/** One kind of packet, and the state of the tables that it finds. */
export interface Mode {
  readonly name: string
  /** Net ns over the floor that it may cost on a quiet machine. */
  readonly budget: number
  readonly packet: Packet
  readonly walk: Walk
  readonly packets: number
  /** What every packet must bring about; a count that is not named must be 0. */
  readonly expected: Readonly<Record<string, number>>
  prepare(rig: Rig): void
}

/** Established flows have low numbers, new ones begin here. */
const UNSEEN = 2 ** 28

const MANY = 131_072

const syn: Packet = { flag: 'syn' }
const ack: Packet = { flag: 'ack' }
const dns: Packet = { protocol: 'udp', port: ports.dns }
const httpsSyn: Packet = { flag: 'syn', port: ports.https }

const counting: Walk = { order: 'counting' }
const unseen: Walk = { order: 'counting', from: UNSEEN }

/** How much is measured. */
export interface Extent {
  /** What the tables are made for, a power of two from 65,536 on; they have twice as many slots. */
  readonly maxFlows: number
  /** Of each kind, each time: at most so many. A million take 20 ms or more. */
  readonly packets: number
  /** How often, each taking its turn. */
  readonly rounds: number
}

/** @returns those that tables of that size have room for */
export function modesFor({ maxFlows, packets }: Extent): Mode[] {
  const few = Math.min(packets, maxFlows / 4)
  const many = Math.min(MANY, maxFlows)
  return [
    ...[
      { flows: 1, budget: 12 },
      { flows: 1024, budget: 14 },
      { flows: MANY, budget: 50 },
      { flows: 1_048_576, budget: 100 },
    ]
      .filter(({ flows }) => flows <= maxFlows)
      .map(({ flows, budget }) => established({ flows, budget, packets })),
    {
      name: `UDP, ${flowsText(many)}`,
      budget: 50,
      packet: dns,
      walk: { order: 'random', flows: many },
      packets,
      expected: { tx: 1 },
      prepare: rig => send(rig, many, dns, dns),
    },
    {
      name: `IPv6, ${flowsText(many)}`,
      budget: 50,
      packet: { ...ack, family: 6 },
      walk: { order: 'random', flows: many },
      packets,
      expected: { tx: 1 },
      prepare: rig => send(rig, many, { ...syn, family: 6 }, { ...ack, family: 6 }),
    },
    {
      name: 'new SYN, table warm',
      budget: 90,
      packet: syn,
      walk: unseen,
      packets: few,
      expected: { tx: 1, flow_made: 1 },
      prepare: rig => establish(rig, maxFlows / 2),
    },
    {
      name: 'new SYN, table full',
      budget: 180,
      packet: syn,
      walk: unseen,
      packets: few,
      expected: { tx: 1, flow_made: 1, evicted: 1 },
      prepare: rig => establish(rig, 2 * rig.balancer.slots),
    },
    {
      name: 'new SYN, persistence, new client',
      budget: 300,
      packet: httpsSyn,
      walk: unseen,
      packets: few,
      expected: { tx: 1, flow_made: 1, template_made: 1 },
      prepare: rig => establish(rig, maxFlows / 2),
    },
    ...(maxFlows >= 2 * MANY ? [knownClient(few)] : []),
    {
      name: 'not for a VIP',
      budget: 5,
      packet: { destination: parseAddress('10.0.2.8') },
      walk: counting,
      packets,
      expected: { pass_not_vip: 1 },
      prepare: rig => rig.balancer.clear(),
    },
  ]
}

function established({ flows, budget, packets }: { flows: number; budget: number; packets: number }): Mode {
  return {
    name: `established, ${flowsText(flows)}`,
    budget,
    packet: ack,
    walk: { order: 'random', flows },
    packets,
    expected: { tx: 1 },
    prepare: rig => establish(rig, flows),
  }
}

function flowsText(flows: number): string {
  return `${flows.toLocaleString('en')} ${flows === 1 ? 'flow' : 'flows'}`
}

/** Clients that come back, of whom there are always more than tables for few flows hold. */
function knownClient(packets: number): Mode {
  return {
    name: 'new SYN, persistence, known client',
    budget: 300,
    packet: httpsSyn,
    walk: { ...unseen, clients: MANY },
    packets,
    expected: { tx: 1, flow_made: 1 },
    prepare: rig => send(rig, MANY, httpsSyn),
  }
}

/** That many flows in an empty table, each with a SYN and an ACK. */
function establish(rig: Rig, flows: number): void {
  send(rig, flows, syn, ack)
}

function send(rig: Rig, flows: number, ...packets: Packet[]): void {
  rig.balancer.clear()
  for (const packet of packets) rig.run('xdplb', packet, counting, flows)
}
