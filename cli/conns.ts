import { Command } from 'commander'
import type { Connection, ConnectionFilter } from '../lib/connection.js'
import { ControlClient } from '../lib/control/client.js'
import { type SocketLocation, socketPath } from '../lib/control/socket-path.js'
import { parseNetwork } from '../lib/network.js'
import { formatService, parseService } from '../lib/service.js'
import { connectionHeadings, connectionLine } from './conns-text.js'
import { printLines } from './lines.js'

interface ConnsOptions extends SocketLocation, ConnectionFilter {
  json?: true
}

const help = `
Persistence templates are the lines with port 0 and the state NONE or ASSURED.

Examples:
  # xdplb conns
  # xdplb conns --client 10.0.0.0/8 --real 10.0.0.71:80
  # xdplb conns --service 10.0.0.1:80/tcp --state ESTABLISHED --json | jq -r .client
`

/** `xdplb conns` */
export function connsCommand(): Command {
  return new Command('conns')
    .description('list the connections and the persistence of a running balancer, as ipvsadm -Lnc does')
    .option('--client <network>', 'of these clients: ADDRESS or ADDRESS/BITS', parseNetwork)
    .option('--service <service>', 'of this service: 10.0.0.1:80/tcp', text =>
      formatService(parseService(text)),
    )
    .option('--real <real>', 'of this real server: 10.0.0.71:80')
    .option('--state <state>', "in this state, by IPVS's word: ESTABLISHED", text => text.toUpperCase())
    .option('--json', 'print an object of JSON a line')
    .addHelpText('after', help)
    .action(conns)
}

async function conns({ json, ...options }: ConnsOptions): Promise<void> {
  const connections = new ControlClient(socketPath(options)).connections(filterOf(options))
  await printLines(json ? jsonLines(connections) : textLines(connections))
}

/** Commander adds the options that are common to all. */
function filterOf({ client, service, real, state }: ConnectionFilter): ConnectionFilter {
  return {
    ...(client && { client }),
    ...(service !== undefined && { service }),
    ...(real !== undefined && { real }),
    ...(state !== undefined && { state }),
  }
}

async function* jsonLines(connections: AsyncIterable<Connection>): AsyncGenerator<string> {
  for await (const connection of connections) yield JSON.stringify(connection)
}

/** The headings come with the first answer: a balancer that does not run has none. */
async function* textLines(connections: AsyncIterable<Connection>): AsyncGenerator<string> {
  let headings = connectionHeadings
  for await (const connection of connections) {
    yield* headings
    headings = []
    yield connectionLine(connection)
  }
  yield* headings
}
