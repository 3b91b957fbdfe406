import { EventEmitter } from 'node:events'
import type { Address } from '../address.js'
import { formatEndpoint } from '../service.js'
import type { VipStatus } from '../status.js'
import { type Mark, type Role, realState, role as roles } from './layout.gen.js'
import type { Resolver } from './next-hops.js'
import { listed, type Member } from './schedulers/member.js'
import type { ServiceKey } from './service-keys.js'
import { ServiceTable } from './service-table.js'
import { type Match, type PortRange, protocolNumbers, type ServiceSpec } from './spec.js'
import type { Tables } from './tables.js'
import { type Destination, isPending, type Resolution } from './way.js'

/** A virtual server that is in the tables. */
export interface RunningService {
  readonly id: number
  readonly spec: ServiceSpec
  /** What its packets find it by. */
  readonly keys: readonly ServiceKey[]
  /** And its marked packets: by mark. */
  readonly marked: readonly MarkedPackets[]
  /** In the order of `spec.reals`. */
  readonly reals: readonly number[]
  /** In the order in which the scheduler goes through them. */
  readonly members: readonly Member[]
}

/** Packets to a VIP that have the service's mark. */
interface MarkedPackets extends PortRange {
  readonly vip: number
  readonly protocol: number
}

/** A real, and whether it can be reached now. */
export interface RealChange {
  readonly service: string
  readonly real: string
  readonly resolution: Resolution
}

/**
 * The virtual servers, from specification to tables. What a former process left in the tables is taken over where the
 * new specification has it too, and leaves as if it had been taken out of the configuration where it has not.
 */
export class Services
  extends EventEmitter<{ real: [RealChange]; freed: [realId: number] }>
  implements Disposable
{
  readonly #tables: Tables
  readonly #table: ServiceTable
  readonly #hops: Resolver
  readonly #onChange = (destination: Destination, resolution: Resolution) =>
    this.#follow(destination, resolution)
  #running = new Map<string, RunningService>()
  #leaving: readonly number[] = []

  constructor(tables: Tables, hops: Resolver) {
    super()
    this.#tables = tables
    this.#table = new ServiceTable(tables)
    this.#hops = hops
    hops.on('change', this.#onChange)
  }

  get running(): readonly RunningService[] {
    return [...this.#running.values()]
  }

  named(name: string): RunningService | undefined {
    return this.#running.get(name)
  }

  /** Makes the tables say what the specifications say, and nothing else. Flows stay where they are. */
  apply(specs: readonly ServiceSpec[]): void {
    const before = this.#running
    this.#leaving = [] // who leaves now may have flows behind the walk that is under way, also if it had left before
    this.#running = new Map()
    const taken = new Set(specs.flatMap(({ name }) => before.get(name)?.id ?? []))
    for (const spec of specs) {
      const service = this.#put(spec, before.get(spec.name), taken)
      this.#running.set(spec.name, service)
      taken.add(service.id)
    }
    const known = [...this.#tables.keys, ...this.#tables.marks.all()].map(({ service }) => service)
    this.#tables.keys.keep(this.running.flatMap(({ keys }) => keys))
    this.#mark()
    for (const id of new Set(known)) if (!taken.has(id)) this.#remove(id)
    for (const { spec } of before.values()) for (const real of spec.reals) this.#hops.untrack(real)
    this.#removeVips(new Set(specs.flatMap(({ matches }) => matches.map(({ vip }) => vip))))
  }

  /** Balances one service anew, with other reals or weights but for the same packets. Or begins to. */
  update(spec: ServiceSpec): void {
    const before = this.#running.get(spec.name)
    const taken = new Set(before ? [] : this.running.map(({ id }) => id))
    this.#leaving = []
    const service = this.#put(spec, before, taken)
    this.#running.set(spec.name, service)
    if (!before && service.marked.length > 0) this.#mark()
    for (const real of before?.spec.reals ?? []) this.#hops.untrack(real)
  }

  /** Whether packets for this address are balanced here or go up the stack. */
  setRole(vip: Address, role: Role): void {
    const id = this.#tables.vips.find(vip)
    if (id !== undefined) this.#tables.vips.setRole(id, roles[role])
  }

  roleOf(vip: Address): VipStatus['role'] {
    const id = this.#tables.vips.find(vip)
    return id !== undefined && this.#tables.vips.role(id) === roles.master ? 'master' : 'backup'
  }

  /**
   * Gives up the ids of reals that have left and that no flow names; `named` holds a byte by id, from a walk over all
   * slots. Only what had left before that walk began: a flow may be made behind it.
   */
  forget(named: Uint8Array): void {
    for (const id of this.#leaving) {
      if (this.#stateOf(id) !== realState.removed || named[id] !== 0) continue
      this.#tables.reals.free(id)
      this.#tables.loads.reset(id)
      this.emit('freed', id)
    }
    this.#leaving = [...this.#tables.reals.ids()].filter(id => this.#stateOf(id) === realState.removed)
  }

  /** Reals that are to take flows and cannot be reached. */
  unreachable(): RealChange[] {
    return [...this.#running.values()].flatMap(({ spec }) =>
      spec.reals.flatMap(real => {
        const resolution = this.#hops.resolution(real)
        if ('hop' in resolution) return []
        return { service: spec.name, real: formatEndpoint(real), resolution }
      }),
    )
  }

  vips(): VipStatus[] {
    return [...this.#tables.vips].map(({ address }) => ({ address, role: this.roleOf(address) }))
  }

  /** What is known of the way to a real. */
  resolution(real: Destination): Resolution {
    return this.#hops.resolution(real)
  }

  close(): void {
    this.#hops.off('change', this.#onChange)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** @param taken ids of other services */
  #put(
    spec: ServiceSpec,
    before: Pick<RunningService, 'id' | 'members'> | undefined,
    taken: ReadonlySet<number>,
  ): RunningService {
    const vipOf = ({ vip }: Match) => this.#tables.vips.add(vip)
    const keys = spec.matches.filter(isUnmarked).flatMap(match => keysOf(match, vipOf(match)))
    const marked = spec.matches
      .filter(match => !isUnmarked(match))
      .map(match => markedOf(match, vipOf(match)))
    const id = before?.id ?? this.#idBehind(keys, marked, taken) ?? this.#newId()
    this.#table.configure(id, spec)
    const reals = spec.reals.map(configured => {
      const { address, port, ...share } = configured
      const real = this.#tables.reals.acquire({ service: id, address, port })
      this.#tables.loads.configure(real, share)
      const resolution = this.#hops.track(configured)
      // the MAC address that a former process had found stays in use until the question is answered
      if (!isPending(resolution)) this.#setHop(real, resolution)
      return real
    })
    for (const real of this.#tables.reals.ofService(id))
      if (!reals.includes(real)) this.#tables.reals.remove(real)
    const wanted = spec.reals.map(({ address, port, weight }, index): Member => {
      return { id: reals[index] ?? 0, address, port, weight, lastWeight: weight }
    })
    const members = listed(before?.members ?? [], wanted)
    const service = { id, spec, keys, marked, reals, members }
    this.#schedule(service, before?.members ?? [])
    for (const key of keys) this.#tables.keys.set(key, id)
    return service
  }

  /** The id that a former process gave to the service of these packets. */
  #idBehind(
    keys: readonly ServiceKey[],
    marked: readonly MarkedPackets[],
    taken: ReadonlySet<number>,
  ): number | undefined {
    const { keys: table, marks } = this.#tables
    const isFree = (id: number | undefined) => id !== undefined && !taken.has(id)
    const ofRule = ({ vip, protocol, first, last }: MarkedPackets) =>
      marks.of(vip).find(rule => {
        return rule.protocol === protocol && rule.firstPort === first && rule.lastPort === last
      })?.service
    return keys.map(key => table.find(key)).find(isFree) ?? marked.map(ofRule).find(isFree)
  }

  /** The marks of each address, of whatever services they are. */
  #mark(): void {
    const rules = new Map<number, Mark[]>()
    for (const { id: service, marked } of this.#running.values()) {
      for (const { vip, protocol, first: firstPort, last: lastPort } of marked) {
        const rule = { firstPort, lastPort, service, protocol }
        rules.set(vip, [...(rules.get(vip) ?? []), rule])
      }
    }
    for (const { id } of this.#tables.vips) this.#tables.marks.set(id, rules.get(id) ?? [])
  }

  #newId(): number {
    return this.#table.give(service => this.#tables.reals.ofService(service).length > 0)
  }

  #remove(id: number): void {
    this.#table.remove(id)
    for (const real of this.#tables.reals.ofService(id)) this.#tables.reals.remove(real)
  }

  #removeVips(wanted: ReadonlySet<Address>): void {
    for (const { id, address } of [...this.#tables.vips]) {
      if (wanted.has(address)) continue
      this.#tables.vips.setRole(id, roles.backup)
      this.#tables.vips.remove(id)
    }
  }

  #follow({ address, forwarding }: Destination, resolution: Resolution): void {
    for (const service of this.#running.values()) {
      for (const [index, real] of service.spec.reals.entries()) {
        const id = service.reals[index]
        if (real.address !== address || real.forwarding !== forwarding || id === undefined) continue
        this.#setHop(id, resolution)
        this.#schedule(service, service.members)
        this.emit('real', {
          service: service.spec.name,
          real: formatEndpoint(real),
          resolution,
        })
      }
    }
  }

  #setHop(id: number, resolution: Resolution): void {
    this.#tables.reals.setNextHop(id, 'hop' in resolution ? resolution.hop : undefined)
  }

  #schedule({ id, spec: { scheduler }, members }: RunningService, before: readonly Member[]): void {
    const isUp = (real: number) => this.#stateOf(real) === realState.up
    this.#table.schedule(id, { scheduler, members, isUp }, before)
  }

  #stateOf(id: number): number {
    return this.#tables.reals.read(id).state
  }
}

function isUnmarked({ mark }: Match): boolean {
  return mark === undefined
}

function markedOf({ ports, protocol }: Match, vip: number): MarkedPackets {
  const range = ports === 'all' ? { first: 0, last: 65535 } : ports
  return { vip, protocol: protocolNumbers[protocol], ...range }
}

/** Port 0 stands for all of them. */
function keysOf({ ports, protocol }: Match, vip: number): ServiceKey[] {
  const key = { vip, protocol: protocolNumbers[protocol] }
  if (ports === 'all') return [{ ...key, port: 0 }]
  const { first, last } = ports
  return Array.from({ length: last - first + 1 }, (_, index) => ({ ...key, port: first + index }))
}
