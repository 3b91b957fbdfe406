import type { BpfMap } from '../libbpf/index.js'
import type { Traffic } from '../status.js'
import { mapLayouts, type RealStats } from './layout.gen.js'

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

/** What each real has been sent, and how fast. */
export class TrafficMeter implements Disposable {
  readonly #stats
  readonly #ids: () => Iterable<number>
  readonly #timer: NodeJS.Timeout
  #samples = new Map<number, Traffic>()

  /** @param ids the reals to keep rates of */
  constructor(stats: BpfMap, ids: () => Iterable<number>) {
    const { key, value } = mapLayouts.stats
    this.#stats = stats.perCpu({ key, value })
    this.#ids = ids
    this.#timer = setInterval(() => this.#sample(), SAMPLE_SECONDS * 1000).unref()
  }

  /** Totals of this moment, rates of the last sample. */
  of(id: number): Traffic {
    const { connectionsPerSecond, packetsPerSecond, bytesPerSecond } = this.#samples.get(id) ?? noTraffic
    return { ...this.#totals(id), connectionsPerSecond, packetsPerSecond, bytesPerSecond }
  }

  /** The id goes to another real: it begins at nothing. */
  reset(id: number): void {
    const perCpu = this.#stats.lookup(id) ?? []
    this.#stats.update(
      id,
      perCpu.map(() => ({ connections: 0n, packets: 0n, bytes: 0n })),
    )
    this.#samples.delete(id)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #sample(): void {
    const next = new Map<number, Traffic>()
    for (const id of this.#ids()) next.set(id, smooth(this.#samples.get(id), this.#totals(id)))
    this.#samples = next
  }

  #totals(id: number): Pick<Traffic, 'connections' | 'packets' | 'bytes'> {
    const perCpu = this.#stats.lookup(id) ?? []
    const sum = (field: keyof RealStats) => Number(perCpu.reduce((total, cpu) => total + cpu[field], 0n))
    return { connections: sum('connections'), packets: sum('packets'), bytes: sum('bytes') }
  }
}

function smooth(
  before: Traffic | undefined,
  totals: Pick<Traffic, 'connections' | 'packets' | 'bytes'>,
): Traffic {
  if (before === undefined) return { ...noTraffic, ...totals }
  const step = (rate: number, from: number, to: number) =>
    rate + ((to - from) / SAMPLE_SECONDS - rate) * WEIGHT
  return {
    ...totals,
    connectionsPerSecond: step(before.connectionsPerSecond, before.connections, totals.connections),
    packetsPerSecond: step(before.packetsPerSecond, before.packets, totals.packets),
    bytesPerSecond: step(before.bytesPerSecond, before.bytes, totals.bytes),
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
