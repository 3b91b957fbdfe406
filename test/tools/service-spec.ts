import { parseAddress } from '../../lib/address.js'
import type { Persistence, RealSpec, ServiceSpec } from '../../lib/dataplane/spec.js'
import { realAddress } from './hops.js'

/** What a test says of a service; the rest is an ordinary one: 10.0.0.1:80/tcp, rr, to 10.0.0.71 and 10.0.0.72. */
export interface ServiceWish {
  vip?: string
  port?: number
  protocol?: ServiceSpec['protocol']
  persistence?: { seconds: number; granularity?: string }
  /** The last bytes of the reals' addresses, or with their weights. */
  reals?: readonly (number | { last: number; weight: number })[]
}

export function serviceSpec(wish: ServiceWish = {}): ServiceSpec {
  const { vip = '10.0.0.1', port = 80, protocol = 'tcp', persistence, reals = [71, 72] } = wish
  return {
    vip: parseAddress(vip),
    port,
    protocol,
    scheduler: 'rr',
    persistence: persistence && persistenceOf(persistence),
    reals: reals.map(real => realSpec(typeof real === 'number' ? { last: real, weight: 1 } : real, port)),
  }
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

function realSpec({ last, weight }: { last: number; weight: number }, port: number): RealSpec {
  return { address: realAddress(last), port, weight }
}
