import { Command } from 'commander'
import { ControlClient } from '../lib/control/client.js'
import { type SocketLocation, socketPath } from '../lib/control/socket-path.js'
import { type PacketFlag, type PacketQuestion, parseFlags, type Whereabouts } from '../lib/decision.js'
import { type Endpoint, type Protocol, parseEndpoint, parseProtocol } from '../lib/service.js'
import { formatDuration } from './quantity.js'

interface WhereOptions extends SocketLocation {
  proto: Protocol
  flags?: PacketFlag[]
  json?: true
}

const help = `
The program in the kernel answers, by a copy of its steps that changes nothing: no turn is taken, nothing is counted.

Examples:
  # xdplb where 10.0.0.100:40000 10.0.0.1:80
  # xdplb where 10.0.0.100:40000 10.0.0.1:80 --flags ACK
  # xdplb where [2001:db8::100]:5353 [2001:db8::1]:53 --proto udp --json
`

/** `xdplb where` */
export function whereCommand(): Command {
  return new Command('where')
    .description('say which real server a packet would go to, and why')
    .argument('<source>', 'ADDRESS:PORT of the client', parseEndpoint)
    .argument('<destination>', 'ADDRESS:PORT that it asks for', parseEndpoint)
    .option('--proto <protocol>', 'tcp, udp or sctp', parseProtocol, 'tcp')
    .option(
      '--flags <flags>',
      "of TCP: SYN,ACK…; SCTP's first chunk: DATA… (default: SYN or INIT)",
      parseFlags,
    )
    .option('--json', 'print JSON: the answer of GET /v1/where')
    .addHelpText('after', help)
    .action(where)
}

async function where(
  source: Endpoint,
  destination: Endpoint,
  { proto: protocol, flags, json, ...location }: WhereOptions,
): Promise<void> {
  const packet: PacketQuestion = { source, destination, protocol, ...(flags && { flags }) }
  const answer = await new ControlClient(socketPath(location)).where(packet)
  process.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : whereText(answer))
}

/** First what becomes of the packet, then what led there. */
export function whereText({ phrase, real, forwarding, mac, service, ...rest }: Whereabouts): string {
  const destination = real === undefined ? '' : `: ${real}`
  const wrapping = forwarding === 'tun' ? 'in a tunnel, ' : ''
  const lines = [`${phrase}${destination}`, ...(mac ? [`  ${wrapping}in a frame to ${mac}`] : [])]
  if (service !== undefined) lines.push(`  service ${service}`)
  const reason = reasonText(rest)
  if (reason !== undefined) lines.push(`  because ${reason}`)
  return `${lines.join('\n')}\n`
}

function reasonText({ reason, scheduler, persistsSeconds = 0 }: Partial<Whereabouts>): string | undefined {
  switch (reason) {
    case 'flow':
      return 'the connection is known'
    case 'template':
      return `persistence knows the client, for another ${formatDuration(persistsSeconds)}`
    case 'scheduler':
      return `the connection is new, and the scheduler ${scheduler ?? ''} gives it the next turn`
    default:
      return undefined
  }
}
