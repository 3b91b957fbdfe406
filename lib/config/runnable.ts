import type { Address } from '../address.js'
import type { Match } from '../service.js'
import { claimPackets } from './claims.js'
import type { Config, Forwarding, VirtualServer } from './model.js'

/** A virtual server that can be run, with the packets that are its own and the real servers that they can get to. */
export interface RunnableService extends VirtualServer {
  /** At least one. */
  readonly matches: readonly Match[]
}

/** The services to run. */
export function runnableServices(config: Config): readonly RunnableService[] {
  return claimPackets(config)
    .map(({ service, matches }) => ({
      ...service,
      matches,
      realServers: service.realServers.filter(({ forwarding }) => canForward(forwarding)),
    }))
    .filter(({ matches, realServers }) => matches.length > 0 && realServers.length > 0)
}

/** The real servers that get frames themselves: each is a neighbour, where those in tunnels are behind few. */
export function neighboursOf(services: readonly RunnableService[]): Address[] {
  return services.flatMap(({ realServers }) =>
    realServers.flatMap(({ address, forwarding }) => (forwarding.method === 'dr' ? [address] : [])),
  )
}

/** Whether packets can get to a real server so. */
export function canForward({ method, tunnelType = 'ipip' }: Forwarding): boolean {
  return method === 'dr' || (method === 'tun' && tunnelType === 'ipip')
}
