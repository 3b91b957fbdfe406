import { type Address, familyOf } from '../address.js'
import { formatService } from '../service.js'
import type { Config, VirtualServer } from './model.js'

/** A virtual server that can be run today: IPv4, TCP or UDP, one port, and real servers on the same network. */
export interface RunnableService extends VirtualServer {
  readonly address: Address
  readonly protocol: 'tcp' | 'udp'
}

/** The services to run, with those of their real servers that packets can get to. Always scheduled by rr for now. */
export function runnableServices({ virtualServers }: Config): readonly RunnableService[] {
  return virtualServers
    .filter(isRunnable)
    .map(service => ({
      ...service,
      realServers: service.realServers.filter(({ forwarding }) => forwarding.method === 'dr'),
    }))
    .filter(({ realServers }) => realServers.length > 0)
}

/** Why a virtual server is not run, apart from its real servers. */
export function obstacle({ address, fwmark, group, port, protocol }: VirtualServer): string | undefined {
  if (group !== undefined) return 'virtual_server group'
  if (fwmark !== undefined) return 'virtual_server fwmark'
  if (address !== undefined && familyOf(address) === 6) return 'virtual_server with an IPv6 address'
  if (protocol === 'sctp') return 'protocol SCTP'
  return port === 0 ? 'virtual_server for all ports' : undefined
}

/** What messages call a virtual server. */
export function serviceLabel({ address, port, protocol, fwmark, group }: VirtualServer): string {
  if (address !== undefined) return formatService({ address, port, protocol })
  return fwmark === undefined ? `group ${group}` : `fwmark ${fwmark}`
}

function isRunnable(service: VirtualServer): service is RunnableService {
  return service.address !== undefined && obstacle(service) === undefined
}
