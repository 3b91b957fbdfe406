import { EventEmitter } from 'node:events'
import type { Address } from '../address.js'
import { formatEndpoint } from '../service.js'
import type { VipStatus } from '../status.js'
import { type Role, realState, role as roles } from './layout.gen.js'
import { isPending, type Resolution, type Resolver } from './next-hops.js'
import type { ServiceKey } from './service-keys.js'
import { ServiceTable } from './service-table.js'
import { nameOfService, protocolNumbers, type ServiceSpec } from './spec.js'
import type { Tables } from './tables.js'

/** A virtual server that is in the tables. */
export interface RunningService {
  readonly id: number
  readonly spec: ServiceSpec
  /** In the order of `spec.reals`. */
  readonly reals: readonly number[]
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
  readonly #onChange = (address: Address, resolution: Resolution) => this.#follow(address, resolution)
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

  /** Makes the tables say what the specifications say, and nothing else. Flows stay where they are. */
  apply(specs: readonly ServiceSpec[]): void {
    const before = this.#running
    this.#leaving = [] // who leaves now may have flows behind the walk that is under way, also if it had left before
    this.#running = new Map(specs.map(spec => [nameOfService(spec), this.#put(spec)]))
    const kept = new Set([...this.#running.values()].map(service => service.id))
    for (const { key, service } of [...this.#tables.keys]) if (!kept.has(service)) this.#remove(key, service)
    for (const { spec } of before.values()) for (const { address } of spec.reals) this.#hops.untrack(address)
    this.#removeVips(new Set(specs.map(spec => spec.vip)))
  }

  /** Balances one service anew that is balanced already, or begins to. */
  update(spec: ServiceSpec): void {
    const name = nameOfService(spec)
    const before = this.#running.get(name)
    this.#leaving = []
    this.#running.set(name, this.#put(spec))
    for (const { address } of before?.spec.reals ?? []) this.#hops.untrack(address)
  }

  /** Whether packets for this address are balanced here or go up the stack. */
  setRole(vip: Address, role: Role): void {
    const id = this.#tables.vips.find(vip)
    if (id !== undefined) this.#tables.roles.write(id, roles[role])
  }

  roleOf(vip: Address): VipStatus['role'] {
    const id = this.#tables.vips.find(vip)
    return id !== undefined && this.#tables.roles.read(id) === roles.master ? 'master' : 'backup'
  }

  /**
   * Gives up the ids of reals that have left and that no flow names; `named` holds a byte by id, from a walk over all
   * slots. Only what had left before that walk began: a flow may be made behind it.
   */
  forget(named: Uint8Array): void {
    for (const id of this.#leaving) {
      if (this.#stateOf(id) !== realState.removed || named[id] !== 0) continue
      this.#tables.reals.free(id)
      this.emit('freed', id)
    }
    this.#leaving = [...this.#tables.reals.ids()].filter(id => this.#stateOf(id) === realState.removed)
  }

  /** Reals that are to take flows and cannot be reached. */
  unreachable(): RealChange[] {
    return [...this.#running.values()].flatMap(({ spec }) =>
      spec.reals.flatMap(({ address, port }) => {
        const resolution = this.#hops.resolution(address)
        if ('hop' in resolution) return []
        return { service: nameOfService(spec), real: formatEndpoint({ address, port }), resolution }
      }),
    )
  }

  vips(): VipStatus[] {
    return [...this.#tables.vips].map(({ address }) => ({ address, role: this.roleOf(address) }))
  }

  /** What is known of the way to a real. */
  resolution(address: Address): Resolution {
    return this.#hops.resolution(address)
  }

  close(): void {
    this.#hops.off('change', this.#onChange)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #put(spec: ServiceSpec): RunningService {
    const key = {
      vip: this.#tables.vips.add(spec.vip),
      port: spec.port,
      protocol: protocolNumbers[spec.protocol],
    }
    const id =
      this.#tables.keys.find(key) ??
      this.#table.give(service => this.#tables.reals.ofService(service).length > 0)
    this.#table.configure(id, spec)
    const reals = spec.reals.map(({ address, port, weight }) => {
      const real = this.#tables.reals.acquire({ service: id, address, port, protocol: key.protocol }, weight)
      const resolution = this.#hops.track(address)
      // the MAC address that a former process had found stays in use until the question is answered
      if (!isPending(resolution)) this.#setHop(real, resolution)
      return real
    })
    for (const real of this.#tables.reals.ofService(id))
      if (!reals.includes(real)) this.#tables.reals.remove(real)
    const service = { id, spec, reals }
    this.#schedule(service)
    this.#tables.keys.set(key, id)
    return service
  }

  #remove(key: ServiceKey, id: number): void {
    this.#tables.keys.delete(key)
    this.#table.remove(id)
    for (const real of this.#tables.reals.ofService(id)) this.#tables.reals.remove(real)
  }

  #removeVips(wanted: ReadonlySet<Address>): void {
    for (const { id, address } of [...this.#tables.vips]) {
      if (wanted.has(address)) continue
      this.#tables.roles.write(id, roles.backup)
      this.#tables.vips.remove(id)
    }
  }

  #follow(address: Address, resolution: Resolution): void {
    for (const service of this.#running.values()) {
      for (const [index, real] of service.spec.reals.entries()) {
        const id = service.reals[index]
        if (real.address !== address || id === undefined) continue
        this.#setHop(id, resolution)
        this.#schedule(service)
        this.emit('real', {
          service: nameOfService(service.spec),
          real: formatEndpoint(real),
          resolution,
        })
      }
    }
  }

  #setHop(id: number, resolution: Resolution): void {
    this.#tables.reals.setNextHop(id, 'hop' in resolution ? resolution.hop : undefined)
  }

  #schedule({ id, spec, reals }: RunningService): void {
    const takesFlows = (real: number, index: number) =>
      this.#stateOf(real) === realState.up && (spec.reals[index]?.weight ?? 0) > 0
    this.#table.schedule(id, reals, reals.filter(takesFlows))
  }

  #stateOf(id: number): number {
    return this.#tables.reals.read(id).state
  }
}
