import { type Family, familyOf, parseAddress } from '../../lib/address.js'
import type {
  Match,
  Persistence,
  PortRange,
  RealSpec,
  Scheduler,
  SchedulerFlags,
  ServiceSpec,
} from '../../lib/dataplane/spec.js'
import { formatService } from '../../lib/service.js'
import { realAddress } from './hops.js'

/** What a test says of a service; the rest is an ordinary one: 10.0.0.1:80/tcp, rr, to 10.0.0.71 and 10.0.0.72. */
export interface ServiceWish {
  vip?: string
  /** 0: all. */
  port?: number
  protocol?: Match['protocol']
  /** More packets that are its own: those for the same address and protocol, unless they say otherwise. */
  also?: readonly {
    vip?: string
    protocol?: Match['protocol']
    ports: number | PortRange | 'all'
    mark?: number
  }[]
  scheduler?: Scheduler
  flags?: Partial<SchedulerFlags>
  onePacket?: boolean
  persistence?: { seconds: number; granularity?: string }
  /** The last bytes of the reals' addresses, or more of them. */
  reals?: readonly (number | RealWish)[]
}

/** What a test says of a real; the rest is an ordinary one. */
export interface RealWish extends Partial<Omit<RealSpec, 'address'>> {
  /** The last byte of its address. */
  last: number
  /** Of its address. @default that of the VIP */
  family?: Family
}

export function serviceSpec(wish: ServiceWish = {}): ServiceSpec {
  const { vip = '10.0.0.1', port = 80, protocol = 'tcp', also = [], reals = [71, 72] } = wish
  const { scheduler = 'rr', flags, onePacket = false, persistence } = wish
  const matchOf = ({ ports, ...other }: NonNullable<ServiceWish['also']>[number]): Match => ({
    vip: parseAddress(other.vip ?? vip),
    protocol: other.protocol ?? protocol,
    ports: typeof ports === 'number' ? portsOf(ports) : ports,
    ...(other.mark !== undefined && { mark: other.mark }),
  })
  return {
    name: formatService({ address: parseAddress(vip), port, protocol }),
    matches: [{ ports: port }, ...also].map(matchOf),
    scheduler,
    schedulerFlags: { port: false, fallback: false, ...flags },
    onePacket,
    persistence: persistence && persistenceOf(persistence),
    reals: reals.map(real =>
      realSpec(typeof real === 'number' ? { last: real } : real, port, familyOf(parseAddress(vip))),
    ),
  }
}

function portsOf(port: number): Match['ports'] {
  return port === 0 ? 'all' : { first: port, last: port }
}

function persistenceOf({
  seconds,
  granularity = '255.255.255.255',
}: {
  seconds: number
  granularity?: string
}) {
  return { seconds, granularity: parseAddress(granularity) } satisfies Persistence
}

function realSpec({ last, family, ...wish }: RealWish, port: number, vipFamily: Family): RealSpec {
  return {
    address: realAddress(last, family ?? vipFamily),
    port,
    weight: 1,
    forwarding: 'dr',
    upperThreshold: 0,
    lowerThreshold: 0,
    ...wish,
  }
}
