import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Address, type Family, familyOf, parseAddress } from '../address.js'
import { DataPlane } from '../dataplane/data-plane.js'
import { PinDirectory } from '../dataplane/pins.js'
import type { ServiceSpec } from '../dataplane/spec.js'
import { BpfMap, type MappedArray, Program } from '../libbpf/index.js'
import { NetlinkEvents } from '../net/netlink/events.js'
import { Netlink } from '../net/netlink/netlink.js'
import { type AddressService, formatService } from '../service.js'
import type { Bed, Cable } from './bed.js'

/** Addresses in a row; each has all services. */
export const VIPS = 8
/** Of each service. */
export const REALS = 8

/** HTTP (over IPv6 too) and DNS by round robin, HTTPS with persistence. */
export const ports = { http: 80, dns: 53, https: 443 } as const

/** The first of the addresses that clients ask for. */
export const firstVip = { 4: parseAddress('10.0.0.8'), 6: parseAddress('2001:db8::8') } as const

/** Of its pins, before the process's number. */
const NAME = 'bench-'

/**
 * The balancer as it runs, at the far end of a cable: its services, its real servers as permanent neighbours there.
 * Nothing of it stays pinned, so that it goes with this process.
 */
export class Balancer implements Disposable {
  readonly cable: Cable
  readonly program: Program
  readonly flowWords: BpfMap
  readonly #dataPlane: DataPlane
  readonly #words: readonly MappedArray[]
  readonly #parts: readonly Disposable[]

  private constructor(
    cable: Cable,
    dataPlane: DataPlane,
    pins: PinDirectory,
    sockets: readonly Disposable[],
  ) {
    this.cable = cable
    this.#dataPlane = dataPlane
    this.program = Program.openPinned(pins.of('prog'))
    this.flowWords = BpfMap.openPinned(pins.of('flow_words'))
    using templateWords = BpfMap.openPinned(pins.of('template_words'))
    this.#words = [this.flowWords.mapped(), templateWords.mapped()]
    this.#parts = [...this.#words, this.flowWords, this.program, dataPlane, ...sockets]
  }

  /** @param maxFlows sizes the tables */
  static async start(bed: Bed, { maxFlows, bpffs }: { maxFlows: number; bpffs: string }): Promise<Balancer> {
    removeLeftovers(bpffs)
    const cable = bed.cable('xdplb')
    layOut(bed, cable)
    const pins = new PinDirectory(bpffs, NAME + process.pid)
    const netlink = bed.enter(() => Netlink.open())
    const events = bed.enter(() => NetlinkEvents.open({ keepAlive: false }))
    try {
      const options = { name: NAME + process.pid, bpffs, mode: 'native', maxFlows } as const
      const dataPlane = await DataPlane.open(netlink, events, options)
      const specs = Array.from({ length: VIPS }, (_, index) => servicesOf(index)).flat()
      dataPlane.apply(specs)
      for (const { vip } of specs.flatMap(({ matches }) => matches)) dataPlane.setRole(vip, 'master')
      bed.enter(() => dataPlane.attach([cable.far.name]))
      return new Balancer(cable, dataPlane, pins, [events, netlink])
    } finally {
      pins.removeAll()
    }
  }

  /** Slots of the flow table. */
  get slots(): number {
    return this.#dataPlane.flowTable().slots
  }

  /** Forgets every flow and every template. */
  clear(): void {
    for (const words of this.#words) words.bytes.fill(0)
  }

  /** Verdicts and events so far, by name. */
  counters(): Readonly<Record<string, number>> {
    return { ...this.#dataPlane.verdicts(), ...this.#dataPlane.events() }
  }

  close(): void {
    for (const part of this.#parts) part[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** What a bench has pinned that was killed in the moment in which it has to. */
function removeLeftovers(bpffs: string): void {
  const parent = join(bpffs, 'xdplb')
  if (!existsSync(parent)) return
  for (const name of readdirSync(parent)) {
    const pid = name.startsWith(NAME) ? name.slice(NAME.length) : process.pid
    if (!existsSync(`/proc/${pid}`)) new PinDirectory(bpffs, name).removeAll()
  }
}

/** Addresses of the balancer's own, and the real servers' MAC addresses. */
function layOut(bed: Bed, { far }: Cable): void {
  const neighbours = realBytes().flatMap(last =>
    ([4, 6] as const).map(
      family =>
        `neigh replace ${realAddress(family, last)} lladdr 02:00:00:00:01:${last.toString(16)} dev ${far.name} nud permanent`,
    ),
  )
  bed.ip(
    `address add 10.0.0.1/24 dev ${far.name}`,
    `address add 2001:db8::1/64 dev ${far.name}`,
    ...neighbours,
  )
}

function realBytes(): number[] {
  return Array.from({ length: REALS }, (_, index) => 100 + index)
}

function realAddress(family: Family, last: number): Address {
  return parseAddress(family === 4 ? `10.0.0.${last}` : `2001:db8::${last.toString(16)}`)
}

function servicesOf(index: number): ServiceSpec[] {
  const vip = parseAddress(`10.0.0.${8 + index}`)
  const persistence = { seconds: 7200, granularity: parseAddress('255.255.255.255') }
  return [
    serviceOf({ address: vip, port: ports.http, protocol: 'tcp' }),
    serviceOf({ address: vip, port: ports.dns, protocol: 'udp' }),
    serviceOf({ address: vip, port: ports.https, protocol: 'tcp' }, persistence),
    serviceOf({
      address: parseAddress(`2001:db8::${(8 + index).toString(16)}`),
      port: ports.http,
      protocol: 'tcp',
    }),
  ]
}

function serviceOf(service: AddressService, persistence?: ServiceSpec['persistence']): ServiceSpec {
  const { address: vip, port, protocol } = service
  return {
    name: formatService(service),
    matches: [{ vip, protocol, ports: { first: port, last: port } }],
    scheduler: 'rr',
    schedulerFlags: { port: false, fallback: false },
    onePacket: false,
    persistence,
    reals: realBytes().map(last => ({
      address: realAddress(familyOf(vip), last),
      port,
      weight: 1,
      forwarding: 'dr',
      upperThreshold: 0,
      lowerThreshold: 0,
    })),
  }
}
