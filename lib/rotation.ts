import { EventEmitter } from 'node:events'
import { nameOfService, type RealServer, type RunnableService } from './config/index.js'
import type { Forwarding, RealSpec, ServiceSpec } from './dataplane/spec.js'
import { noTraffic } from './dataplane/traffic.js'
import {
  HealthEngine,
  type LogLine,
  type RealHealth,
  type RealHealthChange,
  type Target,
} from './health/engine.js'
import { specOf } from './plan.js'
import { type Endpoint, formatEndpoint, formatService } from './service.js'
import type { RealStatus, ServiceStatus } from './status.js'

export interface RotationEvents {
  /** A real has failed or is back, and its service is now to be balanced like this. */
  change: [service: ServiceSpec, change: RealHealthChange, real: RealServer]
  log: [LogLine]
}

/** A service, and which of its reals have failed. */
interface Member {
  readonly service: RunnableService
  /** All its reals in rotation. */
  readonly spec: ServiceSpec
  /** Their endpoints. */
  readonly failed: Set<string>
}

/** Which reals are in rotation: those that their checks find healthy, and those that have none. */
export class Rotation extends EventEmitter<RotationEvents> implements Disposable {
  readonly #members: ReadonlyMap<string, Member>
  readonly #engine: HealthEngine

  constructor(services: readonly RunnableService[]) {
    super()
    const members = services.map(service => ({ service, spec: specOf(service), failed: new Set<string>() }))
    this.#members = new Map(members.map(member => [member.spec.name, member]))
    this.#engine = new HealthEngine(services.flatMap(targetsOf))
    for (const health of this.#engine.status()) this.#note(health)
    this.#engine.on('log', line => this.emit('log', line))
    this.#engine.on('real', change => {
      const member = this.#note(change)
      const real = member?.service.realServers.find(isReal(change.real))
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

  /** What the data plane says of its services, with the reals that are out of rotation in their places. */
  describe(services: readonly ServiceStatus[]): ServiceStatus[] {
    const down = new Map<string, RealHealth[]>()
    for (const health of this.#engine.status()) {
      if (health.up) continue
      const name = formatService(health.service)
      down.set(name, [...(down.get(name) ?? []), health])
    }
    return services.map(service => {
      const configured = this.#members.get(service.service)?.spec.reals ?? []
      return withFailures(service, down.get(service.service) ?? [], configured)
    })
  }

  #note({ service, real, up }: Pick<RealHealth, 'service' | 'real' | 'up'>): Member | undefined {
    const member = this.#members.get(formatService(service))
    if (up) member?.failed.delete(formatEndpoint(real))
    else member?.failed.add(formatEndpoint(real))
    return member
  }
}

/** A failed real leaves its service, or stays with weight 0 where `inhibit_on_failure` says so. */
function inRotation({ service, spec, failed }: Member): ServiceSpec {
  if (failed.size === 0) return spec
  const reals = spec.reals.flatMap((real): RealSpec[] => {
    if (!failed.has(formatEndpoint(real))) return [real]
    const isInhibited = service.realServers.find(isReal(real))?.inhibitOnFailure ?? false
    return isInhibited ? [{ ...real, weight: 0 }] : []
  })
  return { ...spec, reals }
}

function isReal({ address, port }: Endpoint): (other: Endpoint) => boolean {
  return other => other.address === address && other.port === port
}

function withFailures(
  service: ServiceStatus,
  down: readonly RealHealth[],
  configured: readonly RealSpec[],
): ServiceStatus {
  if (down.length === 0) return service
  const known = service.reals.map(real => {
    const failed = down.find(({ real: name }) => formatEndpoint(name) === real.real)
    return failed ? { ...real, ...failureOf(failed) } : real
  })
  const gone = down.filter(({ real: name }) => !known.some(real => real.real === formatEndpoint(name)))
  const forwardingOf = ({ real }: RealHealth) => configured.find(isReal(real))?.forwarding ?? 'dr'
  return { ...service, reals: [...known, ...gone.map(failed => absent(failed, forwardingOf(failed)))] }
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

function absent(failed: RealHealth, forwarding: Forwarding): RealStatus {
  return {
    real: formatEndpoint(failed.real),
    forwarding,
    weight: 0,
    active: 0,
    inactive: 0,
    traffic: noTraffic,
    ...failureOf(failed),
  }
}
