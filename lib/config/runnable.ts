import type { Address } from '../address.js'
import type { Match } from '../service.js'
import { claimPackets } from './claims.js'
import type { Config, Forwarding, Scheduler, VirtualServer } from './model.js'

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
    .filter(({ matches, realServers, scheduler }) => {
      return matches.length > 0 && realServers.length > 0 && realServers.length <= mostRealServers(scheduler)
    })
}

/** The real servers that get frames themselves: each is a neighbour, where those in tunnels are behind few. */
export function neighboursOf(services: readonly RunnableService[]): Address[] {
  return services.flatMap(({ realServers }) =>
    realServers.flatMap(({ address, forwarding }) => (forwarding.method === 'dr' ? [address] : [])),
  )
}

/**
 * How many real servers a service may have: those that walk a list have room for LIMIT_STEPS of bpf/types.h, and the
 * table of `mh` has IPVS's places. The others lay theirs out as they like.
 */
export function mostRealServers(scheduler: Scheduler): number {
  if (scheduler === 'mh') return 4093
  return ['wrr', 'sh', 'dh'].includes(scheduler) ? Number.POSITIVE_INFINITY : 4096
}

/** Whether packets can get to a real server so. */
export function canForward({ method, tunnelType = 'ipip' }: Forwarding): boolean {
  return method === 'dr' || (method === 'tun' && tunnelType === 'ipip')
}
