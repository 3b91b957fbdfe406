import { fileURLToPath } from 'node:url'
import { mapLayouts } from '../lib/dataplane/layout.gen.js'
import { BpfObject, type LoadedObject, type Program } from '../lib/libbpf/index.js'
import { buildFrame, type Frame } from '../test/tools/packet.js'
import type { ProgramUnderTest } from '../test/tools/program.js'
import type { ServiceWish } from '../test/tools/service-spec.js'
import { startBalancer } from './balancer.js'
import { type Cost, Front, type Walk } from './front.js'

/** 10.0.0.8 and what follows; each has all services. */
const VIPS = 8
/** Of each service. */
const REALS = 64

/** HTTP and DNS by round robin, HTTPS with persistence. */
export const ports = { http: 80, dns: 53, https: 443 } as const

const LAB = fileURLToPath(new URL('../bpf/lab.bpf.o', import.meta.url))

/**
 * What a packet can be sent through: a program that returns at once, one that swaps the MAC addresses, one that reads
 * a line of the flow table too, the balancer.
 */
export type Subject = 'nothing' | 'floor' | 'miss' | 'xdplb'

/** Verdicts and events by name, evictions as one; `reals`: how many real servers got a packet. */
export type Counts = Readonly<Record<string, number>>

/** The balancer and what it is compared with, behind one source of packets. */
export class Rig implements Disposable {
  readonly balancer: ProgramUnderTest
  readonly #front: Front
  readonly #lab: LoadedObject
  readonly #subjects: Readonly<Record<Subject, Program>>

  /** @param maxFlows sizes the tables */
  constructor(maxFlows: number) {
    this.balancer = startBalancer(maxFlows)
    this.balancer.apply(
      ...Array.from({ length: VIPS }, (_, index) => wishesFor(`10.0.0.${8 + index}`)).flat(),
    )
    this.#lab = BpfObject.open(LAB).load()
    this.#front = Front.load(this.balancer.loaded.map('flow_words'))
    this.#subjects = {
      nothing: this.#lab.program('pass'),
      floor: this.#lab.program('floor_swap'),
      miss: this.#front.miss,
      xdplb: this.balancer.loaded.program,
    }
  }

  /** Slots of the flow table. */
  get slots(): number {
    return this.balancer.tables.flows.length
  }

  /** Sends packets through a program: 60 bytes, 64 with the checksum on the wire, the shortest that Ethernet has. */
  run(subject: Subject, frame: Frame, walk: Walk, packets: number): Cost {
    this.#front.aim(this.#subjects[subject])
    const payload = frame.protocol === 'udp' ? 18 : 6
    return this.#front.run(buildFrame({ destination: '10.0.0.8', payload, ...frame }), VIPS, walk, packets)
  }

  /** Sends packets through the balancer and tells what became of them. */
  count(frame: Frame, walk: Walk, packets: number): { cost: Cost; counts: Counts } {
    const before = this.#totals()
    const cost = this.run('xdplb', frame, walk, packets)
    const after = this.#totals()
    const counts = Object.fromEntries(
      Object.entries(after.counters).map(([name, total]) => [name, total - (before.counters[name] ?? 0)]),
    )
    const reals = after.reals.filter((total, id) => total !== before.reals[id]).length
    return { cost, counts: { ...sumEvictions(counts), reals } }
  }

  close(): void {
    this.#front.close()
    this.#lab.close()
    this.balancer.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #totals(): { counters: Counts; reals: readonly bigint[] } {
    const { key, value } = mapLayouts.stats
    const stats = this.balancer.loaded.map('stats').perCpu({ key, value })
    const reals = this.balancer.services.running.flatMap(service => service.reals)
    return {
      counters: { ...this.balancer.verdicts(), ...this.balancer.events() },
      reals: reals.map(id => (stats.lookup(id) ?? []).reduce((sum, cpu) => sum + cpu.packets, 0n)),
    }
  }
}

/** Which flows give way is for tests to tell. */
function sumEvictions(counts: Counts): Counts {
  const isFlow = ([name]: readonly [string, number]) => name.startsWith('evicted_')
  const entries = Object.entries(counts)
  const evicted = entries.filter(isFlow).reduce((sum, [, count]) => sum + count, 0)
  return { ...Object.fromEntries(entries.filter(entry => !isFlow(entry))), evicted }
}

function wishesFor(vip: string): ServiceWish[] {
  const reals = Array.from({ length: REALS }, (_, index) => 100 + index)
  return [
    { vip, port: ports.http, reals },
    { vip, port: ports.dns, protocol: 'udp', reals },
    { vip, port: ports.https, persistence: { seconds: 7200 }, reals },
  ]
}
