import { Command } from 'commander'
import { DEFAULT_NAME } from '../lib/balancer-name.js'
import { ControlClient } from '../lib/control/client.js'
import { type SocketLocation, socketPath } from '../lib/control/socket-path.js'
import { PinDirectory } from '../lib/dataplane/pins.js'
import { XdplbError } from '../lib/errors.js'
import { DEFAULT_BPFFS } from '../lib/net/bpffs.js'
import { statusText } from './status-text.js'
import { paintFor } from './terminal.js'

interface StatusOptions extends SocketLocation {
  bpffs?: string
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

async function status({ json, bpffs, ...location }: StatusOptions): Promise<void> {
  const client = new ControlClient(socketPath(location))
  const answer = await client.status().catch((error: unknown) => {
    throw withWhatIsLeft(error, new PinDirectory(bpffs ?? DEFAULT_BPFFS, location.name ?? DEFAULT_NAME))
  })
  const text = json
    ? `${JSON.stringify(answer, null, 2)}\n`
    : statusText(answer, new Date(), paintFor(process.stdout))
  process.stdout.write(text)
}

/** Nobody answers, and yet packets may be balanced: after `--leave-forwarding`, or after a process that died. */
function withWhatIsLeft(error: unknown, pins: PinDirectory): unknown {
  if (!(error instanceof XdplbError) || error.code !== 'NOT_FOUND' || !pins.exists()) return error
  const interfaces = pins.linkedInterfaces().join(', ') || 'no interface'
  const left = `a former one has left the kernel balancing on ${interfaces} (${pins.path}), for the next to take over`
  return new XdplbError('NOT_FOUND', `${error.message}; ${left}`, { cause: error })
}
