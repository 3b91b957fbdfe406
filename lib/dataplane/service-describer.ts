import { macFromBytes } from '../net/mac.js'
import { formatEndpoint } from '../service.js'
import type { RealState, RealStatus, ServiceStatus } from '../status.js'
import { realState } from './layout.gen.js'
import type { LoadTable } from './load-table.js'
import { isTunnel, type RealTable } from './real-table.js'
import type { RunningService, Services } from './services.js'
import type { RealSpec } from './spec.js'
import { sumTraffic, type TrafficMeter } from './traffic.js'
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

  /** The reals as configured, and behind them those that have left but still have flows. */
  describe({ id, spec, reals: configured }: RunningService): ServiceStatus {
    const left = this.#reals.ofService(id).filter(real => !configured.includes(real))
    const reals = [
      ...configured.map((real, place) => this.#describeReal(real, spec.reals[place])),
      ...left.filter(real => this.#connections(real) > 0).map(real => this.#describeReal(real)),
    ]
    return {
      service: spec.name,
      scheduler: spec.scheduler,
      ...(spec.persistence && { persistenceSeconds: spec.persistence.seconds }),
      traffic: sumTraffic(reals.map(real => real.traffic)),
      reals,
    }
  }

  #describeReal(id: number, configured?: RealSpec): RealStatus {
    const { state, mode, destinationMac } = this.#reals.read(id)
    const { address, port } = this.#reals.identity(id)
    return {
      real: formatEndpoint({ address, port }),
      state: nameOfState(state),
      forwarding: configured?.forwarding ?? (isTunnel(mode) ? 'tun' : 'dr'),
      weight: this.#loads.weight(id),
      ...(configured && this.#describeWay(state, this.#services.resolution(configured), destinationMac)),
      ...this.#loads.connections(id),
      traffic: this.#traffic.of(id),
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
