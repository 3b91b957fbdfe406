import { EventEmitter } from 'node:events'
import { nameOfService, type RealServer, type RunnableService } from './config/index.js'
import type { RealSpec, ServiceSpec } from './dataplane/spec.js'
import { noTraffic } from './dataplane/traffic.js'
import {
  HealthEngine,
  type LogLine,
  type RealHealth,
  type RealHealthChange,
  type Target,
} from './health/engine.js'
import { specOf } from './plan.js'
import { formatEndpoint, formatService } from './service.js'
import type { RealStatus, ServiceStatus } from './status.js'

export interface RotationEvents {
  /** A real has failed or is back, and its service is now to be balanced like this. */
  change: [service: ServiceSpec, change: RealHealthChange, real: RealServer]
  log: [LogLine]
}

/** Described in one go. Of a service that has more, all are. */
const SLICE_REALS = 256

/** A service, and which of its reals have failed. */
interface Member {
  /** All its reals in rotation. */
  readonly spec: ServiceSpec
  /** As configured, by endpoint. */
  readonly servers: ReadonlyMap<string, RealServer>
  /** Their endpoints. */
  readonly failed: Set<string>
}

/** Which reals are in rotation: those that their checks find healthy, and those that have none. */
export class Rotation extends EventEmitter<RotationEvents> implements Disposable {
  readonly #members: ReadonlyMap<string, Member>
  readonly #engine: HealthEngine

  constructor(services: readonly RunnableService[]) {
    super()
    const members = services.map(memberOf)
    this.#members = new Map(members.map(member => [member.spec.name, member]))
    this.#engine = new HealthEngine(services.flatMap(targetsOf))
    for (const health of this.#engine.status()) this.#note(health)
    this.#engine.on('log', line => this.emit('log', line))
    this.#engine.on('real', change => {
      const member = this.#note(change)
      const real = member?.servers.get(formatEndpoint(change.real))
      if (member && real) this.emit('change', inRotation(member), change, real)
    })
  }

  /** The services, with those of their reals that are in rotation now. */
  get specs(): ServiceSpec[] {
    return [...this.#members.values()].map(inRotation)
  }

  start(): void {
    this.#engine.start()
  }

  close(): void {
    this.#engine.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** The names of all services, some at a time: of no more reals than some milliseconds are enough to describe. */
  *slices(): Generator<string[]> {
    let names: string[] = []
    let reals = 0
    for (const [name, { spec }] of this.#members) {
      if (reals + spec.reals.length > SLICE_REALS && names.length > 0) {
        yield names
        names = []
        reals = 0
      }
      names.push(name)
      reals += spec.reals.length
    }
    if (names.length > 0) yield names
  }

  /** What the data plane says of its services, with the reals that are out of rotation in their places. */
  describe(services: readonly ServiceStatus[]): ServiceStatus[] {
    return services.map(service => {
      const member = this.#members.get(service.service)
      if (member === undefined || member.failed.size === 0) return service
      const down = this.#engine.status(service.service).filter(({ up }) => !up)
      return withFailures(service, down, member)
    })
  }

  #note({ service, real, up }: Pick<RealHealth, 'service' | 'real' | 'up'>): Member | undefined {
    const member = this.#members.get(formatService(service))
    if (up) member?.failed.delete(formatEndpoint(real))
    else member?.failed.add(formatEndpoint(real))
    return member
  }
}

function memberOf(service: RunnableService): Member {
  const servers = new Map(service.realServers.map(real => [formatEndpoint(real), real]))
  return { spec: specOf(service), servers, failed: new Set() }
}

/** A failed real leaves its service, or stays with weight 0 where `inhibit_on_failure` says so. */
function inRotation({ spec, servers, failed }: Member): ServiceSpec {
  if (failed.size === 0) return spec
  const reals = spec.reals.flatMap((real): RealSpec[] => {
    const endpoint = formatEndpoint(real)
    if (!failed.has(endpoint)) return [real]
    return servers.get(endpoint)?.inhibitOnFailure ? [{ ...real, weight: 0 }] : []
  })
  return { ...spec, reals }
}

function withFailures(
  service: ServiceStatus,
  down: readonly RealHealth[],
  { servers }: Member,
): ServiceStatus {
  const failures = new Map(down.map(health => [formatEndpoint(health.real), health]))
  const known = service.reals.map(real => {
    const failed = failures.get(real.real)
    failures.delete(real.real)
    return failed ? { ...real, ...failureOf(failed) } : real
  })
  const gone = Array.from(failures, ([real, health]) => absent(real, health, servers.get(real)))
  return { ...service, reals: [...known, ...gone] }
}

/** Other checks than TCP_CHECK are not run yet, and do their real no harm. */
function targetsOf(service: RunnableService): Target[] {
  const name = nameOfService(service)
  return service.realServers.map(real => ({
    service: name,
    real,
    inhibitOnFailure: real.inhibitOnFailure,
    checks: real.checks.filter(check => check.type === 'tcp'),
  }))
}

function failureOf({ checks }: RealHealth): Pick<RealStatus, 'state'> & Partial<RealStatus> {
  const reason = checks.find(check => !check.up)?.reason
  return { state: 'down', ...(reason && { reason }) }
}

function absent(real: string, health: RealHealth, configured: RealServer | undefined): RealStatus {
  return {
    real,
    forwarding: configured?.forwarding.method === 'tun' ? 'tun' : 'dr',
    weight: 0,
    active: 0,
    inactive: 0,
    traffic: noTraffic,
    ...failureOf(health),
  }
}
