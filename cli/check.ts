import { existsSync } from 'node:fs'
import { Command } from 'commander'
import {
  type Config,
  type Diagnostic,
  formatDiagnostic,
  neighboursOf,
  runnableServices,
} from '../lib/config/index.js'
import { geometryFor, tableBytes } from '../lib/dataplane/geometry.js'
import { hiddenTags } from '../lib/dataplane/hidden-tags.js'
import { tagStripping } from '../lib/dataplane/tag-stripping.js'
import { neighbourShortages } from '../lib/neighbour-limit.js'
import { Netlink } from '../lib/net/netlink/netlink.js'
import { planOf } from '../lib/plan.js'
import { fileOption, readFiles } from './config-files.js'
import { formatCount, formatRate } from './quantity.js'
import { paintFor } from './terminal.js'

interface CheckOptions {
  file: string[]
  strict?: true
  json?: true
  summary?: true
}

const help = `
Prints one line for each thing that is wrong: FILE:LINE:COLUMN: SEVERITY: MESSAGE.
Exit codes: 0 no errors, 1 errors (with --strict: or warnings), 2 usage, or a file that cannot be read.

Examples:
  $ xdplb check
  $ xdplb check -f keepalived.conf -f xdplb.conf --strict
  $ xdplb check --json | jq '.[] | select(.severity == "error")'
`

/** \`xdplb check\`: reads a configuration, touches nothing and needs no rights. */
export function checkCommand(): Command {
  return new Command('check')
    .description('say what is wrong with a configuration')
    .addOption(fileOption())
    .option('--strict', 'fail for warnings, too')
    .option('--json', 'print JSON: an array of diagnostics')
    .option('--summary', 'print what it comes to also where no terminal is: errors, services, memory')
    .addHelpText('after', help)
    .action(check)
}

async function check({ file, strict, json, summary: wanted }: CheckOptions): Promise<void> {
  const { config, diagnostics } = await readFiles(file)
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  const warnings = diagnostics.length - errors
  if (json) process.stdout.write(`${JSON.stringify(diagnostics, null, 2)}\n`)
  else print(diagnostics)
  if (!json && (wanted || process.stdout.isTTY))
    process.stdout.write(`${[summary(errors, warnings), services(config), memory(config)].join('\n')}\n`)
  const shortages = neighbourShortages(neighboursOf(runnableServices(config)))
  for (const warning of [...shortages, ...hiddenTagsHere(planOf(config).interfaces)])
    process.stderr.write(`warning: ${warning}\n`)
  if (errors > 0 || (strict && warnings > 0)) process.exitCode = 1
}

/** Only where there are VLANs is koffi needed, and only for this: what cannot be asked is not told. */
function hiddenTagsHere(interfaces: readonly string[]): string[] {
  if (!existsSync('/proc/net/vlan/config')) return []
  try {
    using netlink = Netlink.open()
    return hiddenTags(interfaces, netlink.links(), name => tagStripping(name) === 'fixed')
  } catch {
    return []
  }
}

function print(diagnostics: readonly Diagnostic[]): void {
  const paint = paintFor(process.stdout)
  for (const diagnostic of diagnostics) {
    const text = formatDiagnostic(diagnostic)
    process.stdout.write(`${diagnostic.severity === 'error' ? paint('red', text) : paint('yellow', text)}\n`)
  }
}

function summary(errors: number, warnings: number): string {
  return `${count(errors, 'error')}, ${count(warnings, 'warning')}`
}

/** What runs, and how packets get there. */
function services(config: Config): string {
  const runnable = runnableServices(config)
  const reals = runnable.flatMap(({ realServers }) => realServers)
  const methods = (['dr', 'tun'] as const).flatMap(wanted => {
    const some = reals.filter(({ forwarding: { method } }) => method === wanted).length
    return some === 0 ? [] : `${formatCount(some)} by ${wanted.toUpperCase()}`
  })
  const all = `${count(runnable.length, 'service')}, ${count(reals.length, 'real server')}`
  return [all, methods.join(', ')].filter(part => part !== '').join(': ')
}

function count(n: number, noun: string): string {
  return `${n === 0 ? 'no' : formatCount(n)} ${noun}${n === 1 ? '' : 's'}`
}

function memory({ xdplb: { maxFlows, maxTemplates, maxFragments } }: Config): string {
  const mebibytes = formatRate(tableBytes(geometryFor(maxFlows, maxTemplates, maxFragments)) / 2 ** 20)
  const room = `${formatCount(maxFlows)} flows and ${formatCount(maxTemplates)} persistent clients`
  return `tables for ${room}: ${mebibytes} MiB of kernel memory`
}
