import { Command, InvalidArgumentError } from 'commander'
import { benchmark } from '../../lib/bench/benchmark.js'
import { benchInterface, type InterfaceBenchOptions } from '../../lib/bench/interface.js'
import { XdplbError } from '../../lib/errors.js'
import { isMac, type Mac } from '../../lib/net/mac.js'
import { type AddressService, parseService } from '../../lib/service.js'
import { consent } from './consent.js'
import { Progress } from './progress.js'
import { benchmarkText, interfaceText } from './report-text.js'

interface BenchOptions {
  bpffs?: string
  interface?: string
  peer?: Mac
  to?: AddressService
  flows?: number
  seconds?: number
  maxFlows?: number
  packets?: number
  rounds?: number
  yes?: true
  json?: true
}

const help = `
Needs root. Without --interface: what xdplb adds to the cost of a packet over the least that any balancer does, and
what a packet costs from veth to veth, beside nftables (where nft is installed) and the kernel's own forwarding. All
of that in a network namespace of its own that goes with this process, also after Ctrl-C; a few minutes of one CPU.

With --interface: sends packets out of it as fast as one CPU can, from clients in 198.18.0.0/16 (2001:2::/48), and
counts what the interface sends and what comes back by it. The interface has an XDP program meanwhile that takes only
packets made here; some drivers lose their carrier for a moment when they get one. A peer that is a balancer sends
them back if this machine's address is a real server of the service that they ask for.

Examples:
  # xdplb bench
  # xdplb bench --rounds 3 --max-flows 262144 --json
  # xdplb bench --interface eth1 --yes                         what the card sends; a switch keeps it
  # xdplb bench --interface eth1 --peer 02:00:00:00:00:1b --to 10.0.0.1:80/tcp --flows 131072 --seconds 30
`

/** `xdplb bench` */
export function benchCommand(): Command {
  return new Command('bench')
    .description('measure the data plane on this machine, or flood a network card and count')
    .option('-i, --interface <if>', 'flood this interface')
    .option('--peer <mac>', 'who gets the packets (default: the interface itself)', macOption)
    .option('--to <service>', 'what they ask for (default: 198.19.0.1:80/tcp)', serviceOption)
    .option('--flows <n>', 'of how many flows they are, a power of two (default: 65536)', number)
    .option('--seconds <n>', 'for how long (default: 10)', number)
    .option('-y, --yes', 'do not ask before the flood')
    .option('--max-flows <n>', 'tables for so many flows, a power of two (default: 1048576)', number)
    .option('--packets <n>', 'so many of a kind each time (default: 1048576)', number)
    .option('--rounds <n>', 'so many times, all kinds taking turns (default: 7)', number)
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(bench)
}

async function bench({ json, yes, ...options }: BenchOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw new XdplbError('PERMISSION', 'bench: needs root: run it with sudo')
  const { interface: name, peer, to: service, flows, seconds, maxFlows, packets, rounds, bpffs } = options
  const progress = new Progress(process.stderr)
  const onProgress = (done: number) => progress.show(done)
  const print = <T>(report: T, text: (report: T) => string) => {
    progress.clear()
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : text(report))
  }
  if (name === undefined) {
    refuse({ peer, to: service, flows, seconds }, 'only with --interface')
    return print(await benchmark({ maxFlows, packets, rounds, bpffs, onProgress }), benchmarkText)
  }
  refuse({ maxFlows, packets, rounds }, 'not with --interface')
  const flood = { interface: name, peer, service, flows, seconds, onProgress }
  if (!yes) await consent(questionOf(flood))
  print(await benchInterface(flood), interfaceText)
}

function refuse(options: Readonly<Record<string, unknown>>, why: string): void {
  const [given] = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (given === undefined) return
  const flag = given.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  throw new XdplbError('USAGE', `bench: --${flag}: ${why}`)
}

function questionOf({ interface: name, peer, seconds = 10 }: InterfaceBenchOptions): string {
  const where = peer === undefined ? 'to itself, where a switch drops them' : `to ${peer}`
  return `${name}: send packets as fast as it can, for ${seconds} s, ${where}?`
}

function number(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('Not a number.')
  return Number(text)
}

function macOption(text: string): Mac {
  const mac = text.toLowerCase()
  if (!isMac(mac)) throw new InvalidArgumentError('Not an Ethernet address like 02:00:00:00:00:1b.')
  return mac
}

function serviceOption(text: string): AddressService {
  try {
    const service = parseService(text)
    if ('address' in service) return service
  } catch (error) {
    if (!(error instanceof XdplbError)) throw error
  }
  throw new InvalidArgumentError('Not a service like 10.0.0.1:80/tcp.')
}
