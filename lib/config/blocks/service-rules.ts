import { familyOf } from '../../address.js'
import { type Endpoint, formatEndpoint } from '../../service.js'
import type { Forwarding, Global, GroupEntry, VirtualServer, VirtualServerGroup } from '../model.js'
import type { Settling } from '../schema.js'
import { familyOfService, serviceLabel } from '../service-name.js'
import { joinRange } from './address-range.js'

/** What surrounds a virtual server. */
export interface ServiceSurroundings {
  readonly global: Readonly<Partial<Global>>
  readonly groups: readonly VirtualServerGroup[]
}

/** IPVS_SVC_PERSISTENT_TIMEOUT of libipvs. */
export const DEFAULT_PERSISTENCE_SECONDS = 360

type Rule = (service: VirtualServer, scope: ServiceScope) => VirtualServer

interface ServiceScope extends Settling<ServiceSurroundings> {
  /** What was read: the object that places are known of. */
  readonly original: VirtualServer
  /** What it is for: its own address or mark, or those of its group. */
  readonly entries: readonly GroupEntry[]
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
  const entries = entriesOf(original, settling)
  if (entries === undefined) return undefined
  const scope = { ...settling, original, entries, adjust }
  const service = RULES.reduce((settled, rule) => rule(settled, scope), original)
  if (service.realServers.length > 0) return isOfFamily(service, scope) ? service : undefined
  const message = `Virtual server ${serviceLabel(service)} has no real servers - ignoring`
  report.error(places.of(original), 'incomplete', message)
  return undefined
}

function entriesOf(
  service: VirtualServer,
  { outer, report, places }: Settling<ServiceSurroundings>,
): readonly GroupEntry[] | undefined {
  const { group, fwmark, address, port } = service
  if (fwmark !== undefined) return [{ fwmark, port: 0 }]
  if (address !== undefined) return [{ first: address, last: address, port }]
  const known = outer.groups.find(({ name }) => name === group)
  if (known !== undefined) return known.entries
  const message = `Virtual server group ${group} specified but not configured`
  report.error(
    places.of(service, 'group'),
    'incomplete',
    `${message} - ignoring virtual server ${serviceLabel(service)}`,
  )
  return undefined
}

/** Tunnels may lead to another family than that of the addresses of a group. */
function isOfFamily(service: VirtualServer, { entries, report, places, original }: ServiceScope): boolean {
  const family = familyOfService(service)
  const families = new Set(entries.flatMap(({ first }) => (first === undefined ? [] : familyOf(first))))
  if (family === undefined || families.size === 0 || (families.size === 1 && families.has(family)))
    return true
  const what = families.size === 2 ? 'virtual server group with IPv4 & IPv6' : 'address family'
  const message = `${service.group}: ${what} doesn't match virtual server ${serviceLabel(service)} - ignoring`
  report.error(places.of(original), 'conflict', message)
  return false
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
  realsOnce, // whose ports have become the same
]

/** Marks are of packets of any protocol. That of a group stays, as a part of its name. */
function protocol(service: VirtualServer, scope: ServiceScope): VirtualServer {
  const { entries, report, places, original, adjust } = scope
  const isGiven = places.isGiven(original, 'protocol')
  if (!entries.some(hasAddress)) {
    const message = `Virtual server ${serviceLabel(service)}: protocol specified for fwmark - protocol will be ignored`
    const code = service.group === undefined ? 'adjusted' : 'not-honoured'
    if (isGiven) report.warning(places.of(original, 'protocol'), code, message)
    return service.group === undefined ? { ...service, protocol: 'udp' } : service
  }
  if (!isGiven) adjust('protocol', 'no protocol set - defaulting to UDP')
  if (!service.onePacket || service.protocol === 'udp') return service
  adjust('onePacket', 'one packet scheduling requires UDP - resetting')
  return { ...service, onePacket: false }
}

function portNeedsPersistence(service: VirtualServer, { entries, adjust }: ServiceScope): VirtualServer {
  const isForAllPorts = entries.some(entry => hasAddress(entry) && entry.port === 0)
  if (!isForAllPorts || service.persistenceTimeoutSeconds !== undefined) return service
  adjust('port', 'zero port only valid for persistent services - setting')
  return { ...service, persistenceTimeoutSeconds: DEFAULT_PERSISTENCE_SECONDS }
}

function persistenceMask(service: VirtualServer, { report, places, original }: ServiceScope): VirtualServer {
  const { persistenceMask: mask, ...rest } = service
  const family = familyOfService(service)
  if (family === undefined || mask === undefined || family === familyOf(mask)) return service
  const message = `Invalid IPv${family} persistence_granularity specified - ignoring`
  report.error(places.of(original, 'persistenceMask'), 'conflict', message)
  return rest
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
  const { sorryServer, ...rest } = service
  const family = familyOfService(service)
  const label = serviceLabel(service)
  const fits = ({ address }: Endpoint, { method }: Forwarding) =>
    method === 'tun' || family === undefined || familyOf(address) === family
  const mismatch = (server: string) => `Address family of virtual server ${label} and ${server} don't match`
  const realServers = service.realServers.filter(real => {
    if (fits(real, real.forwarding)) return true
    const message = `${mismatch(`real server ${real.address}`)} - skipping real server.`
    report.error(places.of(real), 'conflict', message)
    return false
  })
  if (sorryServer === undefined || fits(sorryServer, service.sorryServerForwarding)) {
    return { ...service, realServers }
  }
  const message = `${mismatch(`sorry server ${sorryServer.address}`)} - skipping sorry server.`
  report.error(places.of(original, 'sorryServer'), 'conflict', message)
  return { ...rest, realServers }
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
function ports(service: VirtualServer, scope: ServiceScope): VirtualServer {
  const { entries, report, places, original } = scope
  const { sorryServer } = service
  const ports = new Set(entries.map(({ port }) => port))
  const port = ports.size === 1 ? (entries[0]?.port ?? 0) : 0
  const isRight = (server: Endpoint, { method }: Forwarding) =>
    server.port === port || (method === 'nat' && server.port !== 0)

  const realServers = service.realServers.map(real => {
    if (isRight(real, real.forwarding)) return real
    if (real.port !== 0) {
      const message = portMismatch(service, entries, real)
      report.warning(places.of(real, 'port'), 'adjusted', message)
    }
    const right = { ...real, port }
    places.adopt(right, real)
    return right
  })
  if (sorryServer === undefined || isRight(sorryServer, service.sorryServerForwarding)) {
    return { ...service, realServers }
  }
  const message = portMismatch(service, entries)
  if (sorryServer.port !== 0) report.warning(places.of(original, 'sorryServer'), 'adjusted', message)
  return { ...service, realServers, sorryServer: { ...sorryServer, port } }
}

function portMismatch(service: VirtualServer, entries: readonly GroupEntry[], real?: Endpoint): string {
  const label = serviceLabel(service)
  const server = real === undefined ? 'sorry server' : `real server ${formatEndpoint(real)}`
  const other = entries.find(entry => hasAddress(entry) && entry.port !== real?.port)
  if (other === undefined) return `virtual server ${label}, ${server} has port specified - clearing`
  const { first = '', last, port } = other
  const where = service.group === undefined ? '' : `:[${joinRange(first, last)},${port}]`
  return `virtual server ${label}${where} and ${server} ports don't match - resetting`
}

function hasAddress({ first }: GroupEntry): boolean {
  return first !== undefined
}
