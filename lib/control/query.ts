import type { ConnectionFilter } from '../connection.js'
import { XdplbError } from '../errors.js'
import { formatNetwork, parseNetwork } from '../network.js'

/** Whatever a query may say, whichever endpoint it is for. */
type Parameter = 'client' | 'service' | 'real' | 'state'

/** Throws `USAGE` for names and values that are none. */
export function decodeConnectionFilter(query: URLSearchParams): ConnectionFilter {
  const { client, ...texts } = parametersOf(query, ['client', 'service', 'real', 'state'])
  return { ...texts, ...(client !== undefined && { client: parseNetwork(client) }) }
}

export function encodeConnectionFilter({ client, ...texts }: ConnectionFilter): URLSearchParams {
  return new URLSearchParams({ ...texts, ...(client && { client: formatNetwork(client) }) })
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
