import { macFromBytes } from '../net/mac.js'
import { formatEndpoint } from '../service.js'
import type { RealState, RealStatus, ServiceStatus } from '../status.js'
import { realState } from './layout.gen.js'
import type { LoadTable } from './load-table.js'
import { isTunnel, type RealTable } from './real-table.js'
import type { RunningService, Services } from './services.js'
import type { RealSpec } from './spec.js'
import { noTraffic, sumTraffic, type TrafficMeter } from './traffic.js'
import type { Resolution } from './way.js'

/** Tells what the services are doing now. */
export class ServiceDescriber {
  readonly #services: Services
  readonly #reals: RealTable
  readonly #traffic: TrafficMeter
  readonly #loads: LoadTable

  constructor(services: Services, reals: RealTable, traffic: TrafficMeter, loads: LoadTable) {
    this.#services = services
    this.#reals = reals
    this.#traffic = traffic
    this.#loads = loads
  }

  /** The reals as configured, and behind them those that have left but still have flows. Counters are read for all at once. */
  describe(services: readonly RunningService[]): ServiceStatus[] {
    const rosters = services.map(service => ({ service, left: this.#left(service) }))
    const traffic = this.#traffic.of(rosters.flatMap(({ service, left }) => [...service.reals, ...left]))
    return rosters.map(({ service: { spec, reals: configured }, left }) => {
      const reals = [
        ...configured.map((id, place) => this.#describeReal(id, traffic.get(id), spec.reals[place])),
        ...left.map(id => this.#describeReal(id, traffic.get(id))),
      ]
      return {
        service: spec.name,
        scheduler: spec.scheduler,
        ...(spec.persistence && { persistenceSeconds: spec.persistence.seconds }),
        traffic: sumTraffic(reals.map(real => real.traffic)),
        reals,
      }
    })
  }

  #left({ id, reals }: RunningService): number[] {
    const configured = new Set(reals)
    return this.#reals.ofService(id).filter(real => !configured.has(real) && this.#connections(real) > 0)
  }

  #describeReal(id: number, traffic = noTraffic, configured?: RealSpec): RealStatus {
    const { state, mode, destinationMac } = this.#reals.read(id)
    return {
      real: formatEndpoint(configured ?? this.#reals.identity(id)),
      state: nameOfState(state),
      forwarding: configured?.forwarding ?? (isTunnel(mode) ? 'tun' : 'dr'),
      weight: this.#loads.weight(id),
      ...(configured && this.#describeWay(state, this.#services.resolution(configured), destinationMac)),
      ...this.#loads.connections(id),
      traffic,
    }
  }

  #describeWay(state: number, resolution: Resolution, destinationMac: Uint8Array): Partial<RealStatus> {
    if (!('hop' in resolution)) return state === realState.unresolved ? { reason: resolution.reason } : {}
    const mac = macFromBytes(destinationMac)
    return { interface: resolution.interface, ...(mac && { mac }) }
  }

  #connections(id: number): number {
    const { active, inactive } = this.#loads.connections(id)
    return active + inactive
  }
}

function nameOfState(state: number): RealState {
  if (state === realState.up) return 'up'
  return state === realState.unresolved ? 'unresolved' : 'removed'
}
