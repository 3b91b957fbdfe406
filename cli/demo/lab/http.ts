import type { Child } from './child.js'
import type { Host } from './host.js'

/** What came of one request. */
export interface Answer {
  /** The client's address. */
  readonly from: string
  /** `200`; `error` when there was no answer. */
  readonly status: string
  /** What the server said, or the error's name: `ECONNREFUSED`, `timeout`. */
  readonly text: string
}

/**
 * Starts a web server that answers with the host's name, on each of its addresses. It listens when this is fulfilled.
 * `/counts` tells what it has answered: `{"connections":3,"requests":7}`.
 */
export async function startWebServer(host: Host, port = 80): Promise<Child> {
  const server = host.node('cli/demo/lab/programs/web-server.js', host.name, `${port}`)
  await server.printed(/^listening$/m)
  return server
}

/**
 * Asks for a URL from each of a host's addresses in turn, each time over a new connection.
 *
 * @param options.times how often it goes round. @default 1
 */
export async function request(
  host: Host,
  url: string,
  options: { from: readonly string[]; times?: number },
): Promise<Answer[]> {
  const { from, times = 1 } = options
  const client = host.node('cli/demo/lab/programs/http-client.js', url, `${times}`, ...from)
  const lines = (await client.output()).matchAll(/^(?<from>\S+) (?<status>\S+) (?<text>.*)$/gm)
  return Array.from(lines, ({ groups: { from = '', status = '', text = '' } = {} }) => ({
    from,
    status,
    text,
  }))
}
