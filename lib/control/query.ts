import type { ConnectionFilter } from '../connection.js'
import { type PacketQuestion, parseFlags, type TraceOptions } from '../decision.js'
import { XdplbError } from '../errors.js'
import { formatNetwork, parseNetwork } from '../network.js'
import { formatEndpoint, parseEndpoint, parseProtocol } from '../service.js'

/** Whatever a query may say, whichever endpoint it is for. */
type Parameter =
  | 'client'
  | 'service'
  | 'real'
  | 'state'
  | 'source'
  | 'destination'
  | 'protocol'
  | 'flags'
  | 'vip'
  | 'port'
  | 'verdicts'
  | 'limit'
  | 'durationMs'

/** Throws `USAGE` for names and values that are none. */
export function decodeConnectionFilter(query: URLSearchParams): ConnectionFilter {
  const { client, ...texts } = parametersOf(query, ['client', 'service', 'real', 'state'])
  return { ...texts, ...(client !== undefined && { client: parseNetwork(client) }) }
}

export function encodeConnectionFilter({ client, ...texts }: ConnectionFilter): URLSearchParams {
  return new URLSearchParams({ ...texts, ...(client && { client: formatNetwork(client) }) })
}

/** Throws `USAGE` for what is missing, and for names and values that are none. */
export function decodePacketQuestion(query: URLSearchParams): PacketQuestion {
  const { source, destination, protocol, flags } = parametersOf(query, [
    'source',
    'destination',
    'protocol',
    'flags',
  ])
  return {
    source: parseEndpoint(source ?? ''),
    destination: parseEndpoint(destination ?? ''),
    ...(protocol !== undefined && { protocol: parseProtocol(protocol) }),
    ...(flags !== undefined && { flags: parseFlags(flags) }),
  }
}

export function encodePacketQuestion(packet: PacketQuestion): URLSearchParams {
  const { source, destination, protocol, flags } = packet
  return new URLSearchParams({
    source: formatEndpoint(source),
    destination: formatEndpoint(destination),
    ...(protocol && { protocol }),
    ...(flags && { flags: flags.join(',') }),
  })
}

/** Throws `USAGE` for names and values that are none. */
export function decodeTraceOptions(query: URLSearchParams): TraceOptions {
  const { client, vip, port, protocol, service, verdicts, limit, durationMs } = parametersOf(query, [
    ...(['client', 'vip', 'port', 'protocol', 'service', 'verdicts', 'limit', 'durationMs'] as const),
  ])
  return {
    ...(client !== undefined && { client: parseNetwork(client) }),
    ...(vip !== undefined && { vip: parseNetwork(vip) }),
    ...(port !== undefined && { port: parseNumber(port) }),
    ...(protocol !== undefined && { protocol: parseProtocol(protocol) }),
    ...(service !== undefined && { service }),
    ...(verdicts !== undefined && { verdicts: verdicts.split(',') }),
    ...(limit !== undefined && { limit: parseNumber(limit) }),
    ...(durationMs !== undefined && { durationMs: parseNumber(durationMs) }),
  }
}

export function encodeTraceOptions(options: TraceOptions): URLSearchParams {
  const { client, vip, port, protocol, service, verdicts, limit, durationMs } = options
  return new URLSearchParams({
    ...(client && { client: formatNetwork(client) }),
    ...(vip && { vip: formatNetwork(vip) }),
    ...(port !== undefined && { port: `${port}` }),
    ...(protocol && { protocol }),
    ...(service !== undefined && { service }),
    ...(verdicts && { verdicts: verdicts.join(',') }),
    ...(limit !== undefined && { limit: `${limit}` }),
    ...(durationMs !== undefined && { durationMs: `${durationMs}` }),
  })
}

function parseNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new XdplbError('USAGE', `read query: "${text}", expected a whole number`)
}

function parametersOf(
  query: URLSearchParams,
  names: readonly Parameter[],
): Partial<Record<Parameter, string>> {
  const found: Partial<Record<Parameter, string>> = {}
  for (const [name, value] of query) {
    const known = names.find(candidate => candidate === name)
    if (known === undefined) {
      throw new XdplbError('USAGE', `read query: ${name}: no such parameter, expected ${names.join(', ')}`)
    }
    found[known] = value
  }
  return found
}
