import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { familyOf, parseAddress } from '../address.js'
import { XdplbError } from '../errors.js'
import { queryXdp } from '../libbpf/index.js'
import { driverOf } from '../net/ethtool.js'
import type { Mac } from '../net/mac.js'
import { Netlink } from '../net/netlink/netlink.js'
import { pinThread } from '../net/thread.js'
import { type AddressService, formatService } from '../service.js'
import { type Port, portOf } from './bed.js'
import { Flood, type FloodCount } from './flood.js'
import { buildFrame } from './frame.js'
import { type Machine, thisMachine } from './machine.js'
import { Source } from './source.js'
import type { Pattern } from './walk.js'

export interface InterfaceBenchOptions {
  readonly interface: string
  /** Who gets the packets. @default the interface itself: a switch keeps those, and only sending is measured */
  readonly peer?: Mac | undefined
  /** What they ask for. @default 198.19.0.1:80/tcp, an address for benchmarks (RFC 2544) */
  readonly service?: AddressService | undefined
  /** How many flows they are of, a power of two. Each is opened by one packet before. @default 65,536 */
  readonly flows?: number | undefined
  /** For how long. @default 10 */
  readonly seconds?: number | undefined
  /** Told from time to time what part of the time is over. */
  readonly onProgress?: ((done: number) => void) | undefined
}

export interface InterfaceReport {
  readonly machine: Machine
  readonly interface: string
  readonly driver: string
  readonly mode: 'native' | 'generic'
  readonly peer: Mac
  readonly service: string
  readonly flows: number
  readonly seconds: number
  readonly packets: FloodCount
  /** To how many stations those were addressed that came back. */
  readonly stations: number
  /** CPU time of one packet made, in ns; receiving may happen on other CPUs and is not in it then. */
  readonly cpu: number
}

/** RFC 2544 and RFC 5180: networks for benchmarks. */
const clients = {
  4: { source: parseAddress('198.18.0.0'), hosts: 0xffff },
  6: { source: parseAddress('2001:2::'), hosts: 0xffff_ffff },
} as const

const defaultService = { address: parseAddress('198.19.0.1'), port: 80, protocol: 'tcp' } as const

const MOST_FLOWS = 2 ** 22

const BURST_MS = 250
/** A run of BPF_PROG_TEST_RUN waits for RCU when it ends: shorter ones would measure that. */
const LEAST_BURST = 2 ** 12
/** In which what is under way comes back. */
const SETTLE_MS = 200
/** In which a card that was set up anew for its XDP program finds its carrier again. */
const CARRIER_MS = 10_000

/**
 * Floods an interface with packets, and counts what comes back by it: a bench of a network card, of a switch, of a
 * balancer that is the peer and has this machine as a real server. For the time the interface has an XDP program,
 * which passes everything on that was not made here.
 *
 * Throws `NOT_FOUND` without the interface, `BUSY` when it has an XDP program, `UNSUPPORTED` when it is down or its
 * driver sends nothing for XDP, `USAGE` for options that do not fit.
 */
export async function benchInterface(options: InterfaceBenchOptions): Promise<InterfaceReport> {
  const { service = defaultService, flows = 65_536, seconds = 10, onProgress } = options
  checkOptions(service, flows, seconds)
  const port = portOf(options.interface)
  const peer = options.peer ?? port.mac
  using _pinned = pinThread()
  using source = Source.load()
  using _sink = source.sink.attachXdp(port.ifindex)
  const mode = queryXdp(port.ifindex)?.mode === 'generic' ? 'generic' : 'native'
  const driver = driverOf(port.name)
  await carrierOf(port)
  const floodOf = (flag: 'syn' | 'ack') =>
    new Flood(source, port, { pattern: patternFor({ port, peer, service, flag }), flows })
  const { perMs } = await openFlows(floodOf('syn'), flows, `${driver} (XDP ${mode})`)
  const flood = floodOf('ack')
  await sendFor(1000 * seconds, flood, perMs, onProgress)
  return {
    machine: thisMachine(),
    interface: port.name,
    driver,
    mode,
    peer,
    service: formatService(service),
    flows,
    seconds,
    packets: flood.count,
    stations: flood.stations,
    cpu: flood.cpu,
  }
}

function checkOptions({ protocol }: AddressService, flows: number, seconds: number): void {
  if (protocol === 'sctp')
    throw new XdplbError('USAGE', 'bench interface: service over sctp, expected tcp or udp')
  if (!Number.isInteger(Math.log2(flows)) || flows < 1 || flows > MOST_FLOWS)
    throw new XdplbError(
      'USAGE',
      `bench interface: ${flows} flows, expected a power of two up to ${MOST_FLOWS}`,
    )
  if (!(seconds > 0 && seconds <= 3600))
    throw new XdplbError('USAGE', `bench interface: ${seconds} seconds, expected up to 3600`)
}

function patternFor({
  port,
  peer,
  service: { address, port: to, protocol },
  flag,
}: {
  port: Port
  peer: Mac
  service: AddressService
  flag: 'syn' | 'ack'
}): Pattern {
  const { source, hosts } = clients[familyOf(address)]
  const frame = buildFrame({
    to: peer,
    from: port.mac,
    source,
    destination: address,
    port: to,
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    flag,
  })
  return { frame, hosts, destinations: 1 }
}

/** Waits until the interface has its carrier. */
async function carrierOf({ name, ifindex }: Port): Promise<void> {
  using netlink = Netlink.open()
  for (const until = performance.now() + CARRIER_MS; !netlink.link(ifindex)?.running; await sleep(50)) {
    if (performance.now() > until)
      throw new XdplbError(
        'UNSUPPORTED',
        `send packets: ${name}: it is down or has no carrier, expected it to be up`,
      )
  }
}

/** One packet of each flow, a SYN if it is TCP: does the interface send at all? */
async function openFlows(flood: Flood, flows: number, driver: string): Promise<Flood> {
  const packets = Math.max(flows, LEAST_BURST)
  flood.burst(packets)
  await sleep(SETTLE_MS)
  if (flood.count.sent > 0) return flood
  const found = `the driver ${driver} sent none of ${packets} packets`
  throw new XdplbError('UNSUPPORTED', `send packets: ${found}, expected it to send what XDP gives it`)
}

async function sendFor(
  ms: number,
  flood: Flood,
  perMs: number,
  onProgress: (done: number) => void = () => {},
): Promise<void> {
  const until = performance.now() + ms
  for (let left = ms; left > 0; left = until - performance.now()) {
    flood.burst(Math.max(LEAST_BURST, Math.round(perMs * Math.min(left, BURST_MS))))
    onProgress(Math.min(1, 1 - left / ms))
    await turn()
  }
  await sleep(SETTLE_MS)
}
