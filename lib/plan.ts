import { familyOf, parseAddress } from './address.js'
import {
  type Config,
  nameOfService,
  type RealServer,
  type RunnableService,
  runnableServices,
  type SchedulerFlag,
  type VrrpInstance,
} from './config/index.js'
import type { DataPlaneSettings } from './dataplane/data-plane.js'
import type { Persistence, RealSpec, SchedulerFlags, ServiceSpec } from './dataplane/spec.js'
import { formatService } from './service.js'
import type { SpeakerOptions } from './vrrp/speaker.js'
import type { VirtualAddress } from './vrrp/virtual-addresses.js'

/** What a configuration asks of the parts. */
export interface Plan {
  readonly services: readonly RunnableService[]
  readonly instances: readonly PlannedInstance[]
  /** Where clients' packets come in, as far as the configuration names it. */
  readonly interfaces: readonly string[]
}

/** A VRRP instance to run, and whether mail is sent of its transitions. */
export interface PlannedInstance extends SpeakerOptions {
  readonly smtpAlert: boolean
}

const EVERY_BIT = parseAddress('255.255.255.255')

/** Which services, VRRP instances and interfaces a configuration comes down to. */
export function planOf(config: Config): Plan {
  const instances = config.vrrpInstances.filter(isRunnable).map(instance => instanceOf(instance, config))
  const interfaces = instances.flatMap(({ interface: home, addresses }) => [
    home,
    ...addresses.map(owned => owned.interface),
  ])
  return {
    services: runnableServices(config),
    instances,
    interfaces: [...new Set(interfaces)],
  }
}

/** Version 2 over IPv4. */
function isRunnable({ version, virtualAddresses }: VrrpInstance): boolean {
  return version === 2 && virtualAddresses.every(({ address }) => familyOf(address) === 4)
}

function instanceOf(configured: VrrpInstance, { global }: Config): PlannedInstance {
  const { authentication, unicastSource, ...rest } = configured
  const password = authentication?.type === 'PASS' ? authentication.password : undefined
  return {
    instance: {
      ...rest,
      ...(password !== undefined && { authentication: { type: 'PASS' as const, password } }),
      skipCheckAdvAddr: global.vrrpSkipCheckAdvAddr,
    },
    interface: configured.interface,
    ...(unicastSource && { source: unicastSource }),
    addresses: addressesOf(configured),
    smtpAlert: configured.smtpAlert,
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

/** What the data plane is told of itself. */
export function settingsOf({ xdplb, global }: Config): DataPlaneSettings {
  const { maxFlows, maxTemplates, maxFragments } = xdplb
  return { maxFlows, maxTemplates, maxFragments, rules: xdplb, timeouts: global.lvsTimeouts ?? {} }
}

/** A virtual server as the data plane is told of it, all its reals in rotation. */
export function specOf(server: RunnableService): ServiceSpec {
  return {
    name: formatService(nameOfService(server)),
    matches: server.matches,
    scheduler: server.scheduler,
    schedulerFlags: flagsOf(server),
    onePacket: server.onePacket,
    persistence: persistenceOf(server),
    reals: server.realServers.map(realOf),
  }
}

/** IPVS's flag-1 is fallback, flag-2 is port, of `sh` and of `mh` (include/uapi/linux/ip_vs.h). */
function flagsOf({ scheduler, schedulerFlags }: RunnableService): SchedulerFlags {
  const has = (...names: readonly SchedulerFlag[]) => schedulerFlags.some(flag => names.includes(flag))
  if (scheduler === 'sh') return { port: has('flag-2', 'sh-port'), fallback: has('flag-1', 'sh-fallback') }
  if (scheduler === 'mh') return { port: has('flag-2', 'mh-port'), fallback: has('flag-1', 'mh-fallback') }
  return { port: false, fallback: false }
}

function realOf({ address, port, weight, forwarding, upperThreshold, lowerThreshold }: RealServer): RealSpec {
  const method = forwarding.method === 'tun' ? 'tun' : 'dr'
  return { address, port, weight, forwarding: method, upperThreshold, lowerThreshold }
}

function persistenceOf(server: RunnableService): Persistence | undefined {
  const { persistenceTimeoutSeconds: seconds, persistenceMask: granularity = EVERY_BIT } = server
  return seconds === undefined ? undefined : { seconds, granularity }
}
