import { type Address, familyOf, parseAddress } from './address.js'
import type { Config, VirtualServer, VrrpInstance } from './config/index.js'
import type { Persistence, Protocol, ServiceSpec } from './dataplane/spec.js'
import type { VirtualAddress } from './vrrp/virtual-addresses.js'

/** What a configuration asks of the parts. */
export interface Plan {
  readonly services: readonly ServiceSpec[]
  readonly addresses: readonly VirtualAddress[]
  /** Where clients' packets come in, as far as the configuration names it. */
  readonly interfaces: readonly string[]
}

const EVERY_BIT = parseAddress('255.255.255.255')

/**
 * Which services, addresses and interfaces a configuration comes down to. What it says beyond that is not honoured
 * yet, which the configuration's diagnostics have said: IPv6, SCTP, marks, groups, every port, other ways than direct
 * routing. Any scheduler runs as rr.
 */
export function planOf(config: Config): Plan {
  const addresses = config.vrrpInstances.flatMap(addressesOf)
  return {
    services: config.virtualServers.flatMap(server => serviceOf(server) ?? []),
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

function serviceOf(server: VirtualServer): ServiceSpec | undefined {
  const { address: vip, port, forwarding } = server
  const protocol = balancedProtocol(server)
  if (
    vip === undefined ||
    familyOf(vip) !== 4 ||
    port === 0 ||
    protocol === undefined ||
    forwarding.method !== 'dr'
  )
    return undefined
  const reals = server.realServers.filter(real => real.forwarding.method === 'dr')
  return {
    vip,
    port,
    protocol,
    scheduler: 'rr',
    persistence: persistenceOf(server),
    reals: reals.map(({ address, port, weight }) => ({ address, port, weight })),
  }
}

function balancedProtocol({ protocol }: VirtualServer): Protocol | undefined {
  return protocol === 'sctp' ? undefined : protocol
}

function persistenceOf(server: VirtualServer): Persistence | undefined {
  const { persistenceTimeoutSeconds: seconds, persistenceMask } = server
  if (seconds === undefined) return undefined
  const granularity: Address = persistenceMask ?? EVERY_BIT
  return { seconds, granularity }
}
