import { Command, Option } from 'commander'
import type { BalancerOptions } from '../lib/balancer-options.js'
import { fileOption } from './config-files.js'
import { type LogOptions, logFormats, logLevels } from './log-options.js'

export interface RunOptions extends LogOptions, Omit<BalancerOptions, 'interfaces'> {
  file: string[]
  interface?: string[]
  leaveForwarding?: true
}

const help = `
Starts whenever keepalived would, and logs what it does not honour; only where an interface is not there, or another XDP
program sits on it, it does not. It is ready, and says so, when it forwards.
Signals: SIGTERM and SIGINT stop it and leave nothing behind. SIGHUP does not reload yet: stop it and start it again; if
it was started with --leave-forwarding no connection notices.

Examples:
  # xdplb run
  # xdplb run -f keepalived.conf --interface eth0
  # xdplb run --name lb2 --xdp-mode generic --log-format json
`

/** `xdplb run`: the daemon, in the foreground. */
export function runCommand(): Command {
  return new Command('run')
    .description('balance, in the foreground, until a signal comes')
    .addOption(fileOption())
    .option(
      '-i, --interface <if...>',
      'attach XDP to these only, to the device below a VLAN (default: where the configuration and routes lead)',
    )
    .addOption(
      new Option('--xdp-mode <mode>', 'how to attach XDP')
        .choices(['auto', 'native', 'generic'])
        .default('auto'),
    )
    .option('--leave-forwarding', 'on a stop, let the kernel go on forwarding for the next start to adopt')
    .addOption(new Option('--log-level <level>', 'what to log').choices(logLevels).default('info'))
    .addOption(
      new Option('--log-format <format>', 'auto: pretty on a terminal, JSON elsewhere')
        .choices(logFormats)
        .default('auto'),
    )
    .addHelpText('after', help)
    .action(async (options: RunOptions) => (await import('./daemon.js')).runDaemon(options))
}
