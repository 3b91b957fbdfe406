import { familyOf } from '../../address.js'
import { formatEndpoint } from '../../service.js'
import type { Forwarding, Global, VirtualServer } from '../model.js'
import { obstacle, serviceLabel } from '../runnable.js'
import type { Settling } from '../schema.js'

/** What surrounds a virtual server. */
export interface ServiceSurroundings {
  readonly global: Readonly<Partial<Global>>
}

/** IPVS_SVC_PERSISTENT_TIMEOUT of libipvs. */
export const DEFAULT_PERSISTENCE_SECONDS = 360

type Rule = (service: VirtualServer, scope: ServiceScope) => VirtualServer

interface ServiceScope extends Settling<ServiceSurroundings> {
  /** What was read: the object that places are known of. */
  readonly original: VirtualServer
  /** What was said about a field is changed to what keepalived would make of it. */
  adjust(field: keyof VirtualServer, message: string): void
}

/** What keepalived checks when it has read a virtual server, in its order, and what cannot be run here. */
export function settleService(
  original: VirtualServer,
  settling: Settling<ServiceSurroundings>,
): VirtualServer | undefined {
  const { report, places } = settling
  const { address, fwmark, group } = original
  const keys = [address, fwmark, group].filter(key => key !== undefined).length
  if (keys !== 1) {
    const message = 'virtual_server: expected one of address, fwmark and group - skipping'
    report.error(places.of(original), 'missing-parameter', message)
    return undefined
  }
  const adjust = (field: keyof VirtualServer, message: string) =>
    report.warning(
      places.of(original, field),
      'adjusted',
      `Virtual server ${serviceLabel(original)}: ${message}`,
    )
  const scope = { ...settling, original, adjust }
  const service = RULES.reduce((settled, rule) => rule(settled, scope), original)
  if (service.realServers.length === 0) {
    const message = `Virtual server ${serviceLabel(service)} has no real servers - ignoring`
    report.error(places.of(original), 'incomplete', message)
    return undefined
  }
  reportLimits(service, scope)
  return service
}

const RULES: readonly Rule[] = [
  protocol,
  portNeedsPersistence,
  persistenceMask,
  scheduler,
  forwarding,
  realsOfFamily,
  realsOnce,
  quorum,
  ports,
]

function protocol(service: VirtualServer, { places, original, adjust }: ServiceScope): VirtualServer {
  const isGiven = places.isGiven(original, 'protocol')
  if (service.fwmark !== undefined) {
    if (isGiven) adjust('protocol', 'protocol specified for fwmark - will be ignored')
    return { ...service, protocol: 'udp' }
  }
  if (!isGiven) adjust('protocol', 'no protocol set - defaulting to UDP')
  if (!service.onePacket || service.protocol === 'udp') return service
  adjust('onePacket', 'one packet scheduling requires UDP - resetting')
  return { ...service, onePacket: false }
}

function portNeedsPersistence(service: VirtualServer, { adjust }: ServiceScope): VirtualServer {
  const { address, port, persistenceTimeoutSeconds } = service
  if (address === undefined || port !== 0 || persistenceTimeoutSeconds !== undefined) return service
  adjust('port', 'zero port only valid for persistent services - setting')
  return { ...service, persistenceTimeoutSeconds: DEFAULT_PERSISTENCE_SECONDS }
}

function persistenceMask(service: VirtualServer, { report, places, original }: ServiceScope): VirtualServer {
  const { address, persistenceMask: mask, ...rest } = service
  if (address === undefined || mask === undefined || familyOf(address) === familyOf(mask)) return service
  const message = `Invalid IPv${familyOf(address)} persistence_granularity specified - ignoring`
  report.error(places.of(original, 'persistenceMask'), 'conflict', message)
  return { ...rest, address }
}

function scheduler(service: VirtualServer, { places, original, adjust }: ServiceScope): VirtualServer {
  if (!places.isGiven(original, 'scheduler')) adjust('scheduler', "no scheduler set, setting default 'wlc'")
  const schedulerFlags = service.schedulerFlags.filter(flag => {
    const [kind] = flag.split('-')
    const fits = kind === 'flag' || kind === service.scheduler
    if (!fits) adjust('schedulerFlags', `${flag} only applies to ${kind} scheduler - ignoring`)
    return fits
  })
  return { ...service, schedulerFlags }
}

function forwarding(service: VirtualServer, { places, original, adjust }: ServiceScope): VirtualServer {
  const isNeeded = service.realServers.some(real => !places.isGiven(real, 'forwarding'))
  if (isNeeded && !places.isGiven(original, 'forwarding')) {
    adjust('forwarding', 'no forwarding method set, setting default NAT')
  }
  return service
}

/** Tunnels may lead to the other family. */
function realsOfFamily(service: VirtualServer, { report, places, original }: ServiceScope): VirtualServer {
  const { address, sorryServer, ...rest } = service
  if (address === undefined) return service
  const label = serviceLabel(service)
  const fits = (other: { readonly address: typeof address }, method: string) =>
    method === 'tun' || familyOf(other.address) === familyOf(address)
  const realServers = service.realServers.filter(real => {
    if (fits(real, real.forwarding.method)) return true
    const message = `Address family of virtual server ${label} and real server ${real.address} don't match`
    report.error(places.of(real), 'conflict', `${message} - skipping real server.`)
    return false
  })
  if (sorryServer === undefined || fits(sorryServer, service.sorryServerForwarding.method)) {
    return { ...service, realServers }
  }
  const message = `Address family of virtual server ${label} and sorry server ${sorryServer.address} don't match`
  report.error(places.of(original, 'sorryServer'), 'conflict', `${message} - skipping sorry server.`)
  return { ...rest, address, realServers }
}

function realsOnce(service: VirtualServer, { report, places }: ServiceScope): VirtualServer {
  const seen = new Set<string>()
  const realServers = service.realServers.filter(real => {
    const name = formatEndpoint(real)
    if (!seen.has(name)) return seen.add(name)
    const message = `VS ${serviceLabel(service)}: real server ${name} is duplicated - removing second rs`
    report.warning(places.of(real), 'duplicate', message)
    return false
  })
  return { ...service, realServers }
}

/** A service whose real servers are all drained keeps a quorum of 1. */
function quorum(service: VirtualServer, { adjust }: ServiceScope): VirtualServer {
  const total = service.realServers.reduce((sum, { weight }) => sum + weight, 0)
  const reachable = Math.max(1, total)
  let { quorum, hysteresis } = service
  if (quorum > reachable) {
    const excess = `quorum ${quorum} exceeds total weight of real servers ${total}`
    adjust('quorum', `${excess}, reducing quorum to ${reachable}`)
    quorum = reachable
  }
  if (hysteresis >= quorum) {
    const lower = quorum - 1
    adjust('hysteresis', `hysteresis ${hysteresis} >= quorum ${quorum}; setting hysteresis to ${lower}`)
    hysteresis = lower
  }
  return { ...service, quorum, hysteresis }
}

/** Only NAT can change a port. Marks have none. */
function ports(service: VirtualServer, { report, places, original }: ServiceScope): VirtualServer {
  const { fwmark, group, sorryServer } = service
  if (group !== undefined) return service
  const port = fwmark === undefined ? service.port : 0
  const isRight = (server: { readonly port: number }, { method }: Forwarding) =>
    server.port === port || (method === 'nat' && server.port !== 0)
  const mismatch = (server: string) =>
    `virtual server ${serviceLabel(service)} and ${server} ports don't match - resetting`

  const realServers = service.realServers.map(real => {
    if (isRight(real, real.forwarding)) return real
    const message = mismatch(`real server ${formatEndpoint(real)}`)
    if (real.port !== 0) report.warning(places.of(real, 'port'), 'adjusted', message)
    const right = { ...real, port }
    places.adopt(right, real)
    return right
  })
  if (sorryServer === undefined || isRight(sorryServer, service.sorryServerForwarding)) {
    return { ...service, realServers }
  }
  const message = mismatch('sorry server')
  if (sorryServer.port !== 0) report.warning(places.of(original, 'sorryServer'), 'adjusted', message)
  return { ...service, realServers, sorryServer: { ...sorryServer, port } }
}

/** What is configured but cannot be run yet, or never. */
function reportLimits(service: VirtualServer, scope: ServiceScope): void {
  const { report, places, original } = scope
  const label = serviceLabel(service)
  const obstructed = obstacle(service)
  if (obstructed !== undefined) {
    const place = places.of(original, service.protocol === 'sctp' ? 'protocol' : undefined)
    report.warning(place, 'not-run', `${obstructed} is not honoured yet - ${label} is not run`)
    return
  }
  if (service.scheduler !== 'rr') {
    const message = `scheduler ${service.scheduler} is not honoured yet - ${label} runs with rr`
    report.warning(places.of(original, 'scheduler'), 'not-honoured', message)
  }
  reportForwarding(service, scope)
}

function reportForwarding(service: VirtualServer, { report, places, original }: ServiceScope): void {
  for (const real of service.realServers) {
    const { method } = real.forwarding
    const isOwn = places.isGiven(real, 'forwarding')
    const place = isOwn ? places.of(real, 'forwarding') : places.of(original, 'forwarding')
    const fate = `${isOwn ? `real server ${formatEndpoint(real)}` : serviceLabel(service)} is not run`
    if (method === 'nat') {
      const message = `forwarding NAT is refused: XDP direct routing cannot translate addresses - ${fate}`
      report.error(place, 'not-run', message, 'use DR')
    } else if (method === 'tun') {
      report.warning(place, 'not-run', `forwarding TUN is not honoured yet - ${fate}`)
    }
  }
}
