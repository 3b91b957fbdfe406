import type { BpfMap } from '../libbpf/index.js'
import type { Traffic } from '../status.js'
import { mapLayouts } from './layout.gen.js'

/** As IPVS's estimator does it (net/netfilter/ipvs/ip_vs_est.c): every two seconds, a quarter of the difference. */
const SAMPLE_SECONDS = 2
const WEIGHT = 1 / 4

export const noTraffic: Traffic = {
  connections: 0,
  packets: 0,
  bytes: 0,
  connectionsPerSecond: 0,
  packetsPerSecond: 0,
  bytesPerSecond: 0,
}

/** Sampled in one go: some milliseconds. */
const SLICE = 2048

/** Between two ids that are wanted: reading so many more costs less than another system call. */
const WIDEST_GAP = 16

/** What is counted; the rest follows from it. */
type Totals = Pick<Traffic, 'connections' | 'packets' | 'bytes'>

/**
 * What each real has been sent, and how fast. Objects are written field by field here: V8 (of Node.js 20)
 * takes 5 µs for one with a spread among the fields, three times as long as the kernel takes to be asked.
 */
export class TrafficMeter implements Disposable {
  readonly #stats
  readonly #ids: () => Iterable<number>
  readonly #timer: NodeJS.Timeout
  readonly #samples = new Map<number, Traffic>()
  /** While a sample is being taken. */
  #rest: NodeJS.Immediate | undefined

  /** @param ids the reals to keep rates of */
  constructor(stats: BpfMap, ids: () => Iterable<number>) {
    const { key, value } = mapLayouts.stats
    this.#stats = stats.summed({ key, value })
    this.#ids = ids
    this.#timer = setInterval(() => {
      if (this.#rest === undefined) this.#sample([...this.#ids()])
    }, SAMPLE_SECONDS * 1000).unref()
  }

  /** Of each of these: totals of this moment, rates of the last sample. */
  of(ids: Iterable<number>): Map<number, Traffic> {
    const found = new Map<number, Traffic>()
    for (const [id, totals] of this.#totals(ids)) {
      found.set(id, { ...(this.#samples.get(id) ?? noTraffic), ...totals })
    }
    return found
  }

  /** The id goes to another real: it begins at nothing. */
  reset(id: number): void {
    this.#stats.update(id, { connections: 0n, packets: 0n, bytes: 0n })
    this.#samples.delete(id)
  }

  close(): void {
    clearInterval(this.#timer)
    clearImmediate(this.#rest)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Some in this turn of the event loop, the others in the next ones. */
  #sample(ids: readonly number[]): void {
    for (const [id, totals] of this.#totals(ids.slice(0, SLICE)))
      this.#samples.set(id, smooth(this.#samples.get(id), totals))
    const rest = ids.slice(SLICE)
    this.#rest = rest.length === 0 ? undefined : setImmediate(() => this.#sample(rest)).unref()
  }

  /** Those that lie close to each other are read with one system call. */
  *#totals(ids: Iterable<number>): Generator<[id: number, totals: Totals]> {
    for (const wanted of stretchesOf(ids)) {
      const [first = 0, last = first] = [wanted[0], wanted.at(-1)]
      let [at, id] = [0, first]
      for (const { connections, packets, bytes } of this.#stats.range(first, last - first + 1)) {
        if (wanted[at] === id) {
          yield [id, { connections: Number(connections), packets: Number(packets), bytes: Number(bytes) }]
          at++
        }
        id++
      }
    }
  }
}

/** The ids in order, cut where a gap is too wide. */
function stretchesOf(ids: Iterable<number>): number[][] {
  const stretches: number[][] = []
  let before = Number.NEGATIVE_INFINITY
  for (const id of Uint32Array.from(new Set(ids)).sort()) {
    if (id - before > WIDEST_GAP) stretches.push([])
    stretches.at(-1)?.push(id)
    before = id
  }
  return stretches
}

function smooth(before: Traffic | undefined, { connections, packets, bytes }: Totals): Traffic {
  const from = before ?? { ...noTraffic, connections, packets, bytes }
  const step = (rate: number, counted: number, now: number) =>
    rate + ((now - counted) / SAMPLE_SECONDS - rate) * WEIGHT
  return {
    connections,
    packets,
    bytes,
    connectionsPerSecond: step(from.connectionsPerSecond, from.connections, connections),
    packetsPerSecond: step(from.packetsPerSecond, from.packets, packets),
    bytesPerSecond: step(from.bytesPerSecond, from.bytes, bytes),
  }
}

/** The traffic of a service is that of its reals. */
export function sumTraffic(parts: readonly Traffic[]): Traffic {
  return parts.reduce(
    (sum, part) => ({
      connections: sum.connections + part.connections,
      packets: sum.packets + part.packets,
      bytes: sum.bytes + part.bytes,
      connectionsPerSecond: sum.connectionsPerSecond + part.connectionsPerSecond,
      packetsPerSecond: sum.packetsPerSecond + part.packetsPerSecond,
      bytesPerSecond: sum.bytesPerSecond + part.bytesPerSecond,
    }),
    noTraffic,
  )
}
