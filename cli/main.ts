#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { parseBalancerName } from '../lib/balancer-name.js'
import { XdplbError } from '../lib/errors.js'
import { version } from '../lib/version.js'
import { benchCommand } from './bench/bench.js'
import { checkCommand } from './check.js'
import { connsCommand } from './conns.js'
import { demoCommand } from './demo/demo.js'
import { realserverCommand } from './realserver.js'
import { runCommand } from './run.js'
import { statusCommand } from './status.js'
import { traceCommand } from './trace.js'
import { whereCommand } from './where.js'

const description = `A layer-4 load balancer: keepalived's configuration, with XDP in place of IPVS.`

const help = `
Exit codes: 0 ok, 1 failure, 2 usage or configuration.

Examples:
  $ xdplb check -f /etc/keepalived/keepalived.conf
  # xdplb run
  # xdplb status
  # xdplb demo
`

function program(): Command {
  const program = new Command('xdplb')
    .description(description)
    .version(version(), '--version', 'print the version')
    .option('--name <name>', 'which balancer of this host is meant (default: xdplb)', parseBalancerName)
    .option('--run-dir <dir>', 'where control sockets are (default: /run/xdplb)')
    .option('--bpffs <dir>', 'where the BPF file system is mounted (default: /sys/fs/bpf)')
    .option('--verbose', 'print what caused an error, too')
    .addHelpText('after', help)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, 'xdplb:')) })
    .exitOverride()
    .hook('preAction', (program, command) => {
      for (const [option, value] of Object.entries(program.opts())) command.setOptionValue(option, value)
    })
  for (const command of [
    runCommand(),
    checkCommand(),
    statusCommand(),
    connsCommand(),
    whereCommand(),
    traceCommand(),
    realserverCommand(),
    demoCommand(),
    benchCommand(),
  ]) {
    program.addCommand(command)
  }
  inherit(program)
  return program
}

/** Commands that are made on their own do not have their parent's settings yet. */
function inherit(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent)
    inherit(command)
  }
}

/** Runs one command line; its outcome is `process.exitCode`. */
async function main(): Promise<void> {
  const xdplb = program()
  try {
    await xdplb.parseAsync()
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2 // commander has said it
    } else if (error instanceof XdplbError) {
      process.stderr.write(`xdplb: ${error.message}\n`)
      if (xdplb.opts().verbose) process.stderr.write(`${causesOf(error)}`)
      process.exitCode = error.code === 'CONFIG' || error.code === 'USAGE' ? 2 : 1
    } else {
      throw error
    }
  }
}

/** What lies behind an error, innermost last. */
function causesOf(error: XdplbError): string {
  const lines = error.log === undefined ? [] : [error.log]
  for (let cause = error.cause; cause !== undefined; ) {
    lines.push(`caused by: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`)
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return lines.map(line => `${line}\n`).join('')
}

/** Fulfilled when all that was written has been handed over. */
function printed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise(resolve => stream.write('', () => resolve()))
}

// `xdplb status | head -1`: a reader that has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})

await main()
// A pipe takes what its reader has room for: process.exit() would throw the rest away.
await Promise.all([process.stdout, process.stderr].map(printed))
process.exit()
