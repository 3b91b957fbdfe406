import { Command } from 'commander'
import { ControlClient } from '../lib/control/client.js'
import { type SocketLocation, socketPath } from '../lib/control/socket-path.js'
import { statusText } from './status-text.js'
import { paintFor } from './terminal.js'

interface StatusOptions extends SocketLocation {
  json?: true
}

const examples = `
Examples:
  $ xdplb status
  $ xdplb status --json | jq '.services[].reals[] | select(.state != "up")'
`

/** `xdplb status` */
export function statusCommand(): Command {
  return new Command('status')
    .description('show services, real servers, connections and rates of a running balancer')
    .option('--json', 'print JSON: the answer of GET /v1/status')
    .addHelpText('after', examples)
    .action(status)
}

async function status({ json, ...location }: StatusOptions): Promise<void> {
  const answer = await new ControlClient(socketPath(location)).status()
  const text = json
    ? `${JSON.stringify(answer, null, 2)}\n`
    : statusText(answer, new Date(), paintFor(process.stdout))
  process.stdout.write(text)
}
