import { type Address, familyOf, parseAddress } from './address.js'
import { XdplbError } from './errors.js'

export type Protocol = 'tcp' | 'udp' | 'sctp'

/** What names a service wherever one is named: commands, JSON, logs, metrics. */
export interface ServiceName {
  readonly address: Address
  /** 0 stands for every port. */
  readonly port: number
  readonly protocol: Protocol
}

/** `10.0.0.1:80/tcp`, `[2001:db8::1]:53/udp`. */
export function formatService(name: ServiceName): string {
  return `${formatEndpoint(name)}/${name.protocol}`
}

/** `10.0.0.1:80`, `[2001:db8::1]:53`. */
export function formatEndpoint({ address, port }: Omit<ServiceName, 'protocol'>): string {
  return familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`
}

/** `[10.0.0.1]:tcp:80`, `[2001:db8::1]:udp:53`: how keepalived's log and mail name services and reals. */
export function keepalivedName({ address, port, protocol }: ServiceName): string {
  return `[${address}]:${protocol}:${port}`
}

/** The service that a text of {@link formatService} names. Throws `USAGE` for any other text. */
export function parseService(text: string): ServiceName {
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

function notAService(text: string, cause?: unknown): XdplbError {
  return new XdplbError('USAGE', `parse service: "${text}", expected ADDRESS:PORT/tcp, /udp or /sctp`, {
    cause,
  })
}

function isProtocol(text: string): text is Protocol {
  return text === 'tcp' || text === 'udp' || text === 'sctp'
}
