import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import { defaultRules, type Rules } from '../../lib/dataplane/rules.js'
import type { ServiceSpec } from '../../lib/dataplane/spec.js'
import { formatEndpoint } from '../../lib/service.js'
import type { Frame } from '../tools/packet.js'
import type { ProgramUnderTest } from '../tools/program.js'
import { type ServiceWish, serviceSpec } from '../tools/service-spec.js'
import { commandsBetween } from './ipvs-commands.js'
import type { IpvsDirector } from './ipvs-director.js'
import { type Connection, parseConnections, parseTraffic, type RealTraffic } from './ipvs-table.js'
import { listConnections } from './program-table.js'

/** Frames that one gets before the other one does. */
const FRAMES_AT_ONCE = 32
/** Two rounds of ip_vs_est.c, 2 s each. */
const ESTIMATION_MS = 4000

/** Real IPVS and xdplb with the same services, which get the same packets in the same order. */
export class BothDirectors {
  readonly #ipvs: IpvsDirector
  readonly #program: ProgramUnderTest
  #specs: readonly ServiceSpec[] = []
  /** What xdplb's reals had been sent when they came to the service. */
  #trafficBefore = new Map<number, RealTraffic>()
  /** By how much, at most, a packet came later to one than to the other. */
  #lagMs = 0

  constructor(ipvs: IpvsDirector, program: ProgramUnderTest) {
    this.#ipvs = ipvs
    this.#program = program
  }

  /** Takes everything away, connections and settings too, and begins with these services. */
  async begin(...wishes: readonly ServiceWish[]): Promise<void> {
    await this.#ipvs.run('reset')
    await this.follow({})
    this.#specs = []
    this.#program.apply()
    this.#program.clear()
    this.#trafficBefore = new Map()
    this.#lagMs = 0
    await this.apply(...wishes)
  }

  /** Goes over to these services, by the changes that make them out of what was. */
  async apply(...wishes: readonly ServiceWish[]): Promise<void> {
    const specs = wishes.map(serviceSpec)
    await this.#ipvs.run(`ipvsadm -R <<END\n${commandsBetween(this.#specs, specs).join('\n')}\nEND`)
    this.#program.apply(...wishes)
    this.#specs = specs
    for (const id of this.#program.services.running.flatMap(({ reals }) => reals))
      if (!this.#trafficBefore.has(id)) this.#trafficBefore.set(id, this.#program.statsOf(id))
  }

  /** Both keep to other rules: `expire_nodest_conn=1`. */
  async follow(rules: Partial<Rules>): Promise<void> {
    const all = { ...defaultRules, ...rules }
    const sysctls = {
      expire_nodest_conn: Number(all.expireNodestConn),
      expire_quiescent_template: Number(all.expireQuiescentTemplate),
      conn_reuse_mode: all.connReuseMode,
    }
    const lines = Object.entries(sysctls).map(
      ([name, value]) => `echo ${value} >/proc/sys/net/ipv4/vs/${name}`,
    )
    await this.#ipvs.run(lines.join('\n'))
    this.#program.loaded.setRules(all)
  }

  /** Sends the same frames to both. @returns where they went, which was the same for both unless the test fails */
  async send(t: Test, frames: readonly Frame[], title: string): Promise<(number | undefined)[]> {
    const theirs: (number | undefined)[] = []
    const ours: (number | undefined)[] = []
    for (let first = 0; first < frames.length; first += FRAMES_AT_ONCE) {
      const some = frames.slice(first, first + FRAMES_AT_ONCE)
      const begun = Date.now()
      theirs.push(...(await this.#ipvs.send(some)))
      ours.push(...some.map(frame => this.#program.run(frame).real))
      this.#lagMs = Math.max(this.#lagMs, Date.now() - begun)
    }
    t.strictSame(ours, theirs, title)
    return theirs
  }

  /** The connections of both are the same, and so is how long they have left, to the second. */
  async compareConnections(t: Test): Promise<void> {
    const begun = Date.now()
    const theirs = parseConnections(await this.#ipvs.run('ipvsadm -Lnc'))
    const ours = listConnections(this.#program)
    const tolerance = 1 + (this.#lagMs + Date.now() - begun) / 1000
    t.strictSame(ours.map(withoutTime), theirs.map(withoutTime), 'the same connections')
    const apart = ours.map(({ secondsLeft }, index) => secondsLeft - (theirs[index]?.secondsLeft ?? 0))
    const most = Math.max(0, ...apart.map(Math.abs))
    t.ok(most <= tolerance, `that have as long to live, to ${most.toFixed(2)} s of ${tolerance.toFixed(2)} s`)
  }

  /**
   * What the reals of the first service were sent is the same. They must not have been in a service of that protocol
   * before: IPVS keeps one that has left for two minutes, and gives it its counters back.
   */
  async compareTraffic(t: Test): Promise<void> {
    const [service] = this.#program.services.running
    const reals = (service?.reals ?? []).map((id, index): [string, RealTraffic] => {
      const real = service?.spec.reals[index]
      return [real ? formatEndpoint(real) : 'none', this.#trafficSince(id)]
    })
    const ours = new Map(reals)
    const theirs = await this.#ipvsTraffic(traffic => isDeepStrictEqual(traffic, ours))
    t.strictSame(ours, theirs, 'the same connections, packets and bytes')
  }

  /** IPVS adds its counters up every other second: what they say when they say it, or when they must have. */
  async #ipvsTraffic(
    isIt: (traffic: Map<string, RealTraffic>) => boolean,
  ): Promise<Map<string, RealTraffic>> {
    for (const end = Date.now() + ESTIMATION_MS; ; ) {
      const traffic = parseTraffic(await this.#ipvs.run('ipvsadm -Ln --stats --exact'))
      if (isIt(traffic) || Date.now() > end) return traffic
    }
  }

  #trafficSince(id: number): RealTraffic {
    const now = this.#program.statsOf(id)
    const before = this.#trafficBefore.get(id) ?? { connections: 0, packets: 0, bytes: 0 }
    return {
      connections: now.connections - before.connections,
      packets: now.packets - before.packets,
      bytes: now.bytes - before.bytes,
    }
  }
}

function withoutTime({ secondsLeft, ...rest }: Connection): Omit<Connection, 'secondsLeft'> {
  return rest
}
