import type { Address } from '../address.js'
import { formatService } from '../service.js'

/** A virtual server as the data plane is told of it. Values have been validated: nothing is checked here again. */
export interface ServiceSpec {
  readonly vip: Address
  readonly port: number
  readonly protocol: Protocol
  readonly scheduler: 'rr'
  readonly persistence: Persistence | undefined
  /** In the order in which the scheduler goes through them. */
  readonly reals: readonly RealSpec[]
}

export type Protocol = keyof typeof protocolNumbers

/** IANA's numbers of the protocols that are balanced. */
export const protocolNumbers = { tcp: 6, udp: 17 } as const

export interface Persistence {
  readonly seconds: number
  /** An IPv4 netmask or an IPv6 one: clients alike under it are one client. */
  readonly granularity: Address
}

export interface RealSpec {
  readonly address: Address
  readonly port: number
  /** 0: gets no new flows. */
  readonly weight: number
}

/** The service's name, as everywhere: `10.0.0.1:80/tcp`. */
export function nameOfService({ vip, port, protocol }: ServiceSpec): string {
  return formatService({ address: vip, port, protocol })
}
