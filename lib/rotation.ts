import { EventEmitter } from 'node:events'
import { nameOfService, type RunnableService } from './config/index.js'
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
  change: [service: ServiceSpec, change: RealHealthChange]
  log: [LogLine]
}

/** Which reals are in rotation: those that their checks find healthy, and those that have none. */
export class Rotation extends EventEmitter<RotationEvents> implements Disposable {
  readonly #services: ReadonlyMap<string, RunnableService>
  readonly #engine: HealthEngine

  constructor(services: readonly RunnableService[]) {
    super()
    this.#services = new Map(services.map(service => [specOf(service).name, service]))
    this.#engine = new HealthEngine(services.flatMap(targetsOf))
    this.#engine.on('log', line => this.emit('log', line))
    this.#engine.on('real', change => {
      const service = this.#services.get(formatService(change.service))
      if (service) this.emit('change', this.#specOf(service), change)
    })
  }

  /** The services, with those of their reals that are in rotation now. */
  get specs(): ServiceSpec[] {
    return [...this.#services.values()].map(service => this.#specOf(service))
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
    const health = this.#engine.status()
    return services.map(service => {
      const down = health.filter(real => !real.up && formatService(real.service) === service.service)
      const known = service.reals.map(real => {
        const failed = down.find(({ real: name }) => formatEndpoint(name) === real.real)
        return failed ? { ...real, ...failureOf(failed) } : real
      })
      const gone = down.filter(({ real: name }) => !known.some(real => real.real === formatEndpoint(name)))
      return { ...service, reals: [...known, ...gone.map(absent)] }
    })
  }

  /** A failed real leaves its service, or stays with weight 0 where `inhibit_on_failure` says so. */
  #specOf(service: RunnableService): ServiceSpec {
    const spec = specOf(service)
    const failed = new Set(
      this.#engine
        .status()
        .filter(real => !real.up && formatService(real.service) === spec.name)
        .map(({ real }) => formatEndpoint(real)),
    )
    const inhibited = new Set(
      service.realServers.filter(real => real.inhibitOnFailure).map(real => formatEndpoint(real)),
    )
    const reals = spec.reals.flatMap((real): RealSpec[] => {
      const name = formatEndpoint(real)
      if (!failed.has(name)) return [real]
      return inhibited.has(name) ? [{ ...real, weight: 0 }] : []
    })
    return { ...spec, reals }
  }
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

function absent(failed: RealHealth): RealStatus {
  return {
    real: formatEndpoint(failed.real),
    weight: 0,
    active: 0,
    inactive: 0,
    traffic: noTraffic,
    ...failureOf(failed),
  }
}
