import type { ConnectionFilter } from '../connection.js'
import { type PacketQuestion, parseFlags } from '../decision.js'
import { XdplbError } from '../errors.js'
import { formatNetwork, parseNetwork } from '../network.js'
import { formatEndpoint, parseEndpoint, parseProtocol } from '../service.js'

/** Whatever a query may say, whichever endpoint it is for. */
type Parameter = 'client' | 'service' | 'real' | 'state' | 'source' | 'destination' | 'protocol' | 'flags'

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
