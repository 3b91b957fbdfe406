import { parseAddress } from './address.js'
import { type Config, type RunnableService, runnableServices, type VrrpInstance } from './config/index.js'
import type { Persistence, ServiceSpec } from './dataplane/spec.js'
import type { VirtualAddress } from './vrrp/virtual-addresses.js'

/** What a configuration asks of the parts. */
export interface Plan {
  readonly services: readonly ServiceSpec[]
  readonly addresses: readonly VirtualAddress[]
  /** Where clients' packets come in, as far as the configuration names it. */
  readonly interfaces: readonly string[]
}

const EVERY_BIT = parseAddress('255.255.255.255')

/** Which services, addresses and interfaces a configuration comes down to. Any scheduler runs as rr for now. */
export function planOf(config: Config): Plan {
  const addresses = config.vrrpInstances.flatMap(addressesOf)
  return {
    services: runnableServices(config).map(serviceOf),
    addresses,
    interfaces: [
      ...new Set([
        ...config.vrrpInstances.map(instance => instance.interface),
        ...addresses.map(owned => owned.interface),
      ]),
    ],
  }
}

function addressesOf({
  interface: home,
  virtualAddresses,
  excludedAddresses,
}: VrrpInstance): VirtualAddress[] {
  return [...virtualAddresses, ...excludedAddresses].map(({ address, prefixLength, device = home }) => ({
    interface: device,
    address,
    prefixLength,
  }))
}

function serviceOf(server: RunnableService): ServiceSpec {
  return {
    vip: server.address,
    port: server.port,
    protocol: server.protocol,
    scheduler: 'rr',
    persistence: persistenceOf(server),
    reals: server.realServers.map(({ address, port, weight }) => ({ address, port, weight })),
  }
}

function persistenceOf(server: RunnableService): Persistence | undefined {
  const { persistenceTimeoutSeconds: seconds, persistenceMask: granularity = EVERY_BIT } = server
  return seconds === undefined ? undefined : { seconds, granularity }
}
