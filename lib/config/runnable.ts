import { type Address, type Family, familyOf } from '../address.js'
import { formatService, type ServiceName } from '../service.js'
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

/** What a virtual server is called. */
export function nameOfService(service: VirtualServer): ServiceName {
  const { address, port, protocol, fwmark, group = '' } = service
  if (address !== undefined) return { address, port, protocol }
  return fwmark === undefined ? { group, protocol } : { fwmark, family: familyOfMark(service) }
}

/** The same in messages. */
export function serviceLabel(service: VirtualServer): string {
  return formatService(nameOfService(service))
}

/** A mark has the family of what its packets are sent to; a tunnel may lead to the other one. */
function familyOfMark({ ipFamily, realServers }: VirtualServer): Family {
  if (ipFamily !== undefined) return ipFamily === 'inet6' ? 6 : 4
  const real = realServers.find(({ forwarding }) => forwarding.method !== 'tun')
  return real === undefined ? 4 : familyOf(real.address)
}

function isRunnable(service: VirtualServer): service is RunnableService {
  return service.address !== undefined && obstacle(service) === undefined
}
