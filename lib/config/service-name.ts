import { type Family, familyOf } from '../address.js'
import { formatService, type ServiceName } from '../service.js'
import type { VirtualServer } from './model.js'

/** What a virtual server is called. */
export function nameOfService(service: VirtualServer): ServiceName {
  const { address, port, protocol, fwmark, group = '' } = service
  if (address !== undefined) return { address, port, protocol }
  return fwmark === undefined ? { group, protocol } : { fwmark, family: familyOfService(service) ?? 4 }
}

/** The same in messages. */
export function serviceLabel(service: VirtualServer): string {
  return formatService(nameOfService(service))
}

/** The family of what is balanced, if anything says it: the real servers do, unless tunnels lead to them. */
export function familyOfService({ address, ipFamily, realServers }: VirtualServer): Family | undefined {
  if (address !== undefined) return familyOf(address)
  if (ipFamily !== undefined) return ipFamily === 'inet6' ? 6 : 4
  const real = realServers.find(({ forwarding }) => forwarding.method !== 'tun')
  return real && familyOf(real.address)
}
