import { familyOf } from '../address.js'
import type { Match } from '../service.js'
import { type Claim, claimPackets } from './claims.js'
import type { Config, Forwarding, VirtualServer } from './model.js'

/** A virtual server that can be run, with the packets that are its own and the real servers that they can get to. */
export interface RunnableService extends VirtualServer {
  /** At least one. */
  readonly matches: readonly Match[]
}

/** The services to run. */
export function runnableServices(config: Config): readonly RunnableService[] {
  return claimPackets(config)
    .filter(claim => obstacle(claim) === undefined)
    .map(({ service, matches }) => ({
      ...service,
      matches,
      realServers: service.realServers.filter(({ forwarding }) => canForward(forwarding)),
    }))
    .filter(({ matches, realServers }) => matches.length > 0 && realServers.length > 0)
}

/** What of a virtual server the data plane cannot do yet, so that it is not run. */
export function obstacle({ service, matches }: Claim): string | undefined {
  if (matches.some(({ vip }) => familyOf(vip) === 6)) return 'virtual_server with an IPv6 address'
  if (service.fwmark === undefined && service.protocol === 'sctp') return 'protocol SCTP'
  if (matches.some(({ mark }) => mark !== undefined)) return 'virtual_server fwmark'
  return matches.some(({ ports }) => ports === 'all') ? 'virtual_server for all ports' : undefined
}

/** Whether packets can get to a real server so. */
export function canForward({ method }: Forwarding): boolean {
  return method === 'dr'
}
