import { type Address, type Family, familyOf, isAddress, parseAddress } from './address.js'
import { XdplbError } from './errors.js'

export type Protocol = 'tcp' | 'udp' | 'sctp'

export interface Endpoint {
  readonly address: Address
  readonly port: number
}

/** What names a service wherever one is named: commands, JSON, logs, metrics. */
export type ServiceName = AddressService | MarkService | GroupService

export interface AddressService extends Endpoint {
  /** 0 stands for every port. */
  readonly port: number
  readonly protocol: Protocol
}

/** All packets that carry a mark. There may be one for each family. */
export interface MarkService {
  readonly fwmark: number
  readonly family: Family
}

/** All addresses and marks of a group. */
export interface GroupService {
  readonly group: string
  readonly protocol: Protocol
}

/** Packets of one protocol for one address, which are a service's own. */
export interface Match {
  readonly vip: Address
  readonly protocol: Protocol
  readonly ports: 'all' | PortRange
  /** They stand for packets with this mark. */
  readonly mark?: number
}

/** Both ends are in it. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** `10.0.0.1:80/tcp`, `[2001:db8::1]:53/udp`, `fwmark 5`, `fwmark 5 inet6`, `group web/tcp`. */
export function formatService(name: ServiceName): string {
  if ('fwmark' in name) return `fwmark ${name.fwmark}${name.family === 6 ? ' inet6' : ''}`
  return `${'group' in name ? `group ${name.group}` : formatEndpoint(name)}/${name.protocol}`
}

/** `10.0.0.1:80`, `[2001:db8::1]:53`. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`
}

/** The address and port that a text of {@link formatEndpoint} names. Throws `USAGE` for any other text. */
export function parseEndpoint(text: string): Endpoint {
  const { v6, v4 = '', port } = endpointPattern.exec(text)?.groups ?? {}
  const address = v6 ?? v4
  if (isAddress(address) && Number(port) <= 65535) return { address, port: Number(port) }
  throw new XdplbError('USAGE', `parse endpoint: "${text}", expected ADDRESS:PORT or [ADDRESS]:PORT`)
}

const endpointPattern = /^(?:\[(?<v6>[^\]]*:[^\]]*)\]|(?<v4>[^:[\]]+)):(?<port>\d{1,5})$/

/** `[10.0.0.1]:tcp:80`, `FWM 5`, `[web]:0`: how keepalived's log and mail name services (check_data.c, format_vs). */
export function keepalivedName(name: ServiceName): string {
  if ('fwmark' in name) return `FWM ${name.fwmark}`
  return 'group' in name ? `[${name.group}]:0` : `[${name.address}]:${name.protocol}:${name.port}`
}

/** `[10.0.0.71]:tcp:80`, behind a mark `[10.0.0.71]:none:0`: the same for a real of a service. */
export function keepalivedRealName({ address, port }: Endpoint, service: ServiceName): string {
  return `[${address}]:${'fwmark' in service ? 'none' : service.protocol}:${port}`
}

/** The service that a text of {@link formatService} names. Throws `USAGE` for any other text. */
export function parseService(text: string): ServiceName {
  const name = parseMark(text) ?? parseGroup(text)
  if (name !== undefined) return name
  const match = /^(?:\[(?<v6>[^\]]*:[^\]]*)\]|(?<v4>[^:[\]]+)):(?<port>\d{1,5})\/(?<protocol>\w+)$/.exec(text)
  const { v6, v4 = '', port, protocol = '' } = match?.groups ?? {}
  try {
    const address = parseAddress(v6 ?? v4)
    if (Number(port) <= 65535 && isProtocol(protocol)) return { address, port: Number(port), protocol }
  } catch (cause) {
    throw notAService(text, cause)
  }
  throw notAService(text)
}

function parseMark(text: string): MarkService | undefined {
  const [, mark, family] = /^fwmark (\d{1,10})( inet6)?$/.exec(text) ?? []
  return mark === undefined ? undefined : { fwmark: Number(mark), family: family === undefined ? 4 : 6 }
}

function parseGroup(text: string): GroupService | undefined {
  const [, group, protocol = ''] = /^group (.+)\/(\w+)$/.exec(text) ?? []
  return group === undefined || !isProtocol(protocol) ? undefined : { group, protocol }
}

function notAService(text: string, cause?: unknown): XdplbError {
  const expected = 'ADDRESS:PORT/tcp, /udp or /sctp, fwmark N, or group NAME/tcp, /udp or /sctp'
  return new XdplbError('USAGE', `parse service: "${text}", expected ${expected}`, { cause })
}

/** Throws `USAGE` for other words. */
export function parseProtocol(text: string): Protocol {
  if (isProtocol(text)) return text
  throw new XdplbError('USAGE', `parse protocol: "${text}", expected tcp, udp or sctp`)
}

function isProtocol(text: string): text is Protocol {
  return text === 'tcp' || text === 'udp' || text === 'sctp'
}
