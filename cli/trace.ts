import { Command, InvalidArgumentError } from 'commander'
import { ControlClient } from '../lib/control/client.js'
import { type SocketLocation, socketPath } from '../lib/control/socket-path.js'
import type { Decision, TraceLine, TraceOptions } from '../lib/decision.js'
import { parseNetwork } from '../lib/network.js'
import { formatService, parseProtocol, parseService } from '../lib/service.js'
import { printLines } from './lines.js'

interface Options extends SocketLocation, Omit<TraceOptions, 'durationMs' | 'protocol'> {
  proto?: TraceOptions['protocol']
  verdict?: string[]
  duration?: number
  json?: true
}

const help = `
At most 40,000 decisions a second are told; how many were not is a line of its own. One trace runs at a time. It costs
packets nothing but a branch while there is none, and ends with this command.

Examples:
  # xdplb trace --client 10.0.0.100 --limit 10
  # xdplb trace --service 10.0.0.1:80/tcp --duration 30 --json
  # xdplb trace --verdict pass_no_flow drop_no_real
`

/** `xdplb trace` */
export function traceCommand(): Command {
  return new Command('trace')
    .description('tell the decisions on packets as they happen')
    .option('--client <network>', 'on packets from there: ADDRESS or ADDRESS/BITS', parseNetwork)
    .option('--vip <network>', 'on packets to there', parseNetwork)
    .option('--port <port>', 'on packets to this port', text => parseNumber(text, 65535))
    .option('--proto <protocol>', 'tcp, udp or sctp', parseProtocol)
    .option('--service <service>', 'on those of a service: 10.0.0.1:80/tcp', text =>
      formatService(parseService(text)),
    )
    .option('--verdict <verdict...>', 'of these kinds, by the names that "status --json" has')
    .option('--limit <n>', 'end after so many', text => parseNumber(text))
    .option('--duration <seconds>', 'end after so long', text => parseNumber(text, 86400))
    .option('--json', 'print an object of JSON a line')
    .addHelpText('after', help)
    .action(trace)
}

async function trace({ json, ...options }: Options): Promise<void> {
  const lines = new ControlClient(socketPath(options)).trace(traceOptionsOf(options))
  await printLines(mapLines(lines, json ? JSON.stringify : traceText))
}

function traceOptionsOf({
  client,
  vip,
  port,
  proto,
  service,
  verdict,
  limit,
  duration,
}: Options): TraceOptions {
  return {
    ...(client && { client }),
    ...(vip && { vip }),
    ...(port !== undefined && { port }),
    ...(proto && { protocol: proto }),
    ...(service !== undefined && { service }),
    ...(verdict && { verdicts: verdict }),
    ...(limit !== undefined && { limit }),
    ...(duration !== undefined && { durationMs: duration * 1000 }),
  }
}

async function* mapLines(
  lines: AsyncIterable<TraceLine>,
  format: (line: TraceLine) => string,
): AsyncGenerator<string> {
  for await (const line of lines) yield format(line)
}

/** `12:00:00.123 tcp 10.0.0.100:40000 > 10.0.0.1:80 begin: sent to a real server…: 10.0.0.71:80 (scheduler)` */
export function traceText(line: TraceLine): string {
  if ('lost' in line) return `${line.lost} more that there was no room for`
  const { at, phrase, real, reason } = line
  const choice = real === undefined ? '' : `: ${real}${reason ? ` (${reason})` : ''}`
  return `${[at.slice(11, 23), ...packetWords(line)].join(' ')}: ${phrase}${choice}`
}

function packetWords({ protocol, client, virtual, signal }: Decision): string[] {
  if (client === undefined || virtual === undefined) return ['a packet']
  return [
    ...(protocol === undefined ? [] : [`${protocol}`]),
    client,
    '>',
    virtual,
    ...(signal ? [signal] : []),
  ]
}

function parseNumber(text: string, most = Number.MAX_SAFE_INTEGER): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= 1 && number <= most) return number
  throw new InvalidArgumentError(`Not a number from 1 to ${most}.`)
}
