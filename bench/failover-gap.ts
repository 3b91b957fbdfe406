import { setTimeout as sleep } from 'node:timers/promises'
import type { Host } from '../cli/demo/lab/host.js'
import { startWebServer } from '../cli/demo/lab/http.js'
import { Lab } from '../cli/demo/lab/lab.js'
import { buildSeed, type Seed, vip } from '../cli/demo/lab/seed.js'
import { KeepalivedNode } from '../test/interop/keepalived-node.js'
import { enteringMaster, PairNode, seedFile } from '../test/system/pair-node.js'
import { DOWN_MS, SKEW_MS } from '../test/system/protocol-times.js'
import { SteadyRequests } from '../test/system/steady-requests.js'
import type { Table } from './table.js'

/** A node of a pair: what both kinds can do. */
type Node = PairNode | KeepalivedNode

/** Two nodes with the two files of the seed, and a client that asks all the time. */
interface Pair {
  readonly better: Node
  readonly worse: Node
  readonly requests: SteadyRequests
}

/** How a master goes, and how it returns. */
interface Event {
  readonly name: string
  /** The longest that the protocol allows: RFC 3768 §6.1. */
  readonly allowedMs: number
  go(master: Node): Promise<void>
  back(master: Node): Promise<void>
}

const events: readonly Event[] = [
  {
    name: 'its cable is pulled',
    allowedMs: DOWN_MS,
    go: ({ host }) => host.cutLink(),
    back: ({ host }) => host.restoreLink(),
  },
  {
    name: 'it is stopped (SIGTERM)',
    allowedMs: SKEW_MS,
    go: master => master.stop(),
    back: master => master.start(),
  },
]

const PAIRS = { xdplb: PairNode, keepalived: KeepalivedNode }

/** From the first word of a new master on, until it is over whatever the change brought about. */
const SETTLING_MS = 500
/** A round may begin at any moment between two adverts. */
const ADVERT_MS = 1000

/** For how long is nobody answered when the master goes, and when it is back? Both pairs at once, each in a lab. */
export async function tellFailoverGaps(rounds: number): Promise<Table> {
  const measured = await Promise.all(
    Object.entries(PAIRS).map(async ([name, Kind]) => ({ name, gaps: await gapsOf(Kind, rounds) })),
  )
  const rows = events.flatMap(event => [
    ...measured.map(({ name, gaps }) => {
      const { gone = [] } = gaps.get(event) ?? {}
      return [`${name}: ${event.name}`, `${event.allowedMs.toFixed(0)} ms`, ...summary(gone)]
    }),
    ...measured.map(({ name, gaps }) => {
      const { returned = [] } = gaps.get(event) ?? {}
      return [`${name}: it is back after that`, '', ...summary(returned)]
    }),
  ])
  return {
    title: `Failover: how long new connections are not answered, ${rounds} times each`,
    headings: ['the master of the pair', 'protocol', 'min', 'median', 'max'],
    rows,
    notes: [
      'A client opens a connection every 20 ms, and gaps are measured between answers. Both pairs have the two files of',
      'the seed and ran at the same time. keepalived ran without IPVS, which this kernel has not: web servers on its nodes',
      'answered in place of those behind them.',
    ],
  }
}

interface Gaps {
  readonly gone: number[]
  readonly returned: number[]
}

async function gapsOf(
  Kind: typeof PairNode | typeof KeepalivedNode,
  rounds: number,
): Promise<ReadonlyMap<Event, Gaps>> {
  await using lab = await Lab.open()
  const seed = await buildSeed(lab, { balancers: 2 })
  const [one, two] = hostsOf(seed)
  using better = new Kind(lab, one, seedFile('master'))
  using worse = new Kind(lab, two, seedFile('backup'))
  if (Kind === KeepalivedNode) await Promise.all([startWebServer(one), startWebServer(two)])
  await Promise.all([better.start(), worse.start()])
  await better.logged(enteringMaster)
  const requests = await SteadyRequests.begin(seed.client, vip, seed.clientAddresses)
  const gaps = new Map(events.map(event => [event, { gone: [], returned: [] } as Gaps]))
  for (let round = 0; round < rounds; round++) {
    for (const [event, { gone, returned }] of gaps) {
      await sleep(Math.random() * ADVERT_MS)
      gone.push(await gapAt({ better, worse, requests }, 'worse', () => event.go(better)))
      returned.push(await gapAt({ better, worse, requests }, 'better', () => event.back(better)))
    }
  }
  await requests.stop()
  return gaps
}

/** Has something happen that makes another node master. @returns the longest time between two answers about then */
async function gapAt(pair: Pair, next: 'better' | 'worse', happen: () => Promise<void>): Promise<number> {
  const begun = Date.now()
  await happen()
  const taken = await pair[next].logged(enteringMaster, begun)
  await pair.requests.answeredAfter(taken + SETTLING_MS)
  const answered = pair.requests.answers.filter(({ outcome }) => outcome === '200').map(({ ended }) => ended)
  const before = answered.findLastIndex(ended => ended <= begun)
  const times = answered.slice(Math.max(0, before)).sort((a, b) => a - b)
  return times.reduce((longest, time, at) => Math.max(longest, time - (times[at - 1] ?? time)), 0)
}

function summary(gaps: readonly number[]): string[] {
  const sorted = gaps.toSorted((a, b) => a - b)
  return [0, 0.5, 1].map(part => `${sorted[Math.round(part * (sorted.length - 1))]} ms`)
}

function hostsOf({ balancers: [one, two] }: Seed): [Host, Host] {
  if (one === undefined || two === undefined) throw new Error('no two balancers in the lab')
  return [one, two]
}
