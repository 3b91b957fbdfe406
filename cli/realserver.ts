import { Command, InvalidArgumentError } from 'commander'
import { type Address, parseAddress } from '../lib/address.js'
import { formatFinding, realserverCheck } from '../lib/realserver/check.js'
import { formatChange, type RealserverChange } from '../lib/realserver/plan.js'
import { type RealserverOptions, realserverDown, realserverUp } from '../lib/realserver/realserver.js'

interface Options {
  vip: Address[]
  tunnel?: true
  runDir?: string
  json?: true
}

const help = `
"up" lasts until the host is started again, so have the host do it whenever it starts. What was there before is noted
in the run directory, for "down".

Examples:
  # xdplb realserver up --vip 10.0.0.1
  $ xdplb realserver check --vip 10.0.0.1 2001:db8::1
  $ xdplb realserver check --tunnel --vip 10.0.0.1
  # xdplb realserver down --vip 10.0.0.1
`

/** `xdplb realserver up|down|check` */
export function realserverCommand(): Command {
  return new Command('realserver')
    .description('make this host a web server behind the balancer, or see whether it is one')
    .addHelpText('afterAll', help)
    .addCommand(
      subcommand('up', 'put the VIPs on lo, and leave ARP for them to the balancer').action(
        changing(realserverUp),
      ),
    )
    .addCommand(subcommand('down', 'undo what "up" did, and nothing else').action(changing(realserverDown)))
    .addCommand(
      subcommand('check', 'say what keeps this host from serving the VIPs')
        .option('--tunnel', 'their packets come in tunnels (lvs_method TUN)')
        .action(check),
    )
}

function subcommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--vip <address...>', 'what clients ask for', addVip)
    .option('--json', 'print JSON')
}

function addVip(text: string, before: Address[] = []): Address[] {
  try {
    return [...before, parseAddress(text)]
  } catch {
    throw new InvalidArgumentError('Not an IPv4 or IPv6 address.')
  }
}

function changing(change: (options: RealserverOptions) => readonly RealserverChange[]) {
  return ({ vip: vips, runDir, json }: Options): void => {
    const changes = change(runDir === undefined ? { vips } : { vips, runDir })
    print(json, changes, changes.map(formatChange), 'nothing to do')
  }
}

function check({ vip: vips, tunnel, json }: Options): void {
  const findings = realserverCheck({ vips, tunnel: tunnel ?? false })
  print(json, findings, findings.map(formatFinding), 'all is well')
  if (findings.some(({ severity }) => severity === 'error')) process.exitCode = 1
}

function print(
  json: true | undefined,
  values: readonly unknown[],
  lines: readonly string[],
  none: string,
): void {
  const text = json ? JSON.stringify(values, null, 2) : lines.join('\n') || none
  process.stdout.write(`${text}\n`)
}
