import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../address.js'
import type { Connection, ConnectionFilter } from '../connection.js'
import type { PacketQuestion, TraceLine, TraceOptions, Whereabouts } from '../decision.js'
import type { AttachMode } from '../libbpf/index.js'
import { ensureBpffs } from '../net/bpffs.js'
import type { NetlinkEvents } from '../net/netlink/events.js'
import type { Netlink } from '../net/netlink/netlink.js'
import { PathMtuEvents } from '../net/path-mtu.js'
import { Rollback } from '../rollback.js'
import type { FlowTableStatus, InterfaceStatus, ResizeStatus, ServiceStatus, VipStatus } from '../status.js'
import { ConnectionList } from './connection-list.js'
import { countEvents, countVerdicts } from './counters.js'
import { geometryFor, isSameGeometry, tableBytes } from './geometry.js'
import { Interfaces } from './interfaces.js'
import { type Event, type Role, role as roles, tablesLayout, type Verdict } from './layout.gen.js'
import { LoadedProgram } from './load.js'
import { moveFlows } from './move-flows.js'
import { NextHops } from './next-hops.js'
import { Oracle } from './oracle.js'
import { PinDirectory } from './pins.js'
import { defaultRules, type Rules } from './rules.js'
import { ServiceDescriber } from './service-describer.js'
import { type RealChange, Services } from './services.js'
import type { ServiceSpec } from './spec.js'
import { Sweeper } from './sweeper.js'
import { Tables } from './tables.js'
import type { Timeouts } from './timeouts.js'
import { Tracer } from './tracer.js'
import { TrafficMeter } from './traffic.js'
import { ROLE_AT, VOUCHED_AT } from './vip-table.js'
import { type AttachOptions, Ways } from './ways.js'

export interface DataPlaneOptions extends DataPlaneSettings {
  readonly name: string
  /** Where the BPF file system is, or may be mounted. */
  readonly bpffs: string
  readonly mode: AttachMode
}

/** How much room there is, and what holds for all services. */
export interface DataPlaneSettings {
  /** Flows at a time that must fit. Where a former process had room for more or fewer, they are moved to other tables. */
  readonly maxFlows: number
  /** Persistent clients at a time that must fit. @default maxFlows */
  readonly maxTemplates?: number
  /** Packets in fragments that are followed at a time. @default 16384 */
  readonly maxFragments?: number
  /** @default as IPVS has them, but for `backupOnly` */
  readonly rules?: Rules
  /** @default as IPVS has them */
  readonly timeouts?: Timeouts
}

export interface DataPlaneEvents {
  real: [RealChange]
  interface: [InterfaceStatus]
  error: [unknown]
}

/** Between two tries to find out HZ, in the two seconds in which it cannot be told. */
const CLOCK_RETRY_MS = 500

/** Counted in one go: some milliseconds. */
const SLICE_SLOTS = 1 << 19

/**
 * The balancing itself: the program in the kernel, its tables, the interfaces it sits on, the way to each real. What
 * a former process of the same name left forwarding is taken over, flows and all.
 *
 * Without this object the packets go on: it closes by letting go, or by `remove()`.
 */
export class DataPlane extends EventEmitter<DataPlaneEvents> implements Disposable {
  /** What became of the flows when it gave the tables another size. */
  readonly resized: ResizeStatus | undefined
  readonly #loaded: LoadedProgram
  readonly #pins: PinDirectory
  readonly #tables: Tables
  readonly #services: Services
  readonly #interfaces: Interfaces
  readonly #traffic: TrafficMeter
  readonly #hops: NextHops
  readonly #ways: Ways
  readonly #tracer: Tracer
  readonly #parts: readonly Disposable[]

  private constructor(
    loaded: LoadedProgram,
    {
      pins,
      netlink,
      events,
      paths,
      mode,
      resized,
    }: {
      pins: PinDirectory
      netlink: Netlink
      events: NetlinkEvents
      paths: PathMtuEvents
      mode: AttachMode
      resized: ResizeStatus | undefined
    },
  ) {
    super()
    this.resized = resized
    const tables = new Tables(name => loaded.mapped(name))
    // in this order an interface that comes back is attached to, and said to be, before a way leads over it
    const interfaces = new Interfaces(loaded, tables.ports, { pins, netlink, events, mode })
    interfaces.on('change', status => this.emit('interface', status))
    const hops = new NextHops(netlink, events, paths)
    const ways = new Ways(hops, interfaces)
    this.#loaded = loaded
    this.#pins = pins
    this.#tables = tables
    this.#services = new Services(tables, ways)
    this.#interfaces = interfaces
    this.#traffic = new TrafficMeter(loaded.map('stats'), () => tables.reals.ids())
    const sweeper = new Sweeper(loaded, named => this.#services.forget(named))
    this.#hops = hops
    this.#ways = ways
    this.#tracer = new Tracer(loaded, {
      tables,
      services: () => this.#services.running,
      lost: () => this.events().trace_lost,
    })
    this.#parts = [sweeper, this.#traffic, this.#services, ways, hops, paths, interfaces, loaded]
    this.#services.on('real', change => this.emit('real', change))
    this.#services.on('freed', id => this.#traffic.reset(id))
    interfaces.on('error', error => this.emit('error', error))
  }

  /** Loads the program, or adopts the one that is there. Nothing is attached or balanced yet. */
  static async open(netlink: Netlink, events: NetlinkEvents, options: DataPlaneOptions): Promise<DataPlane> {
    const {
      name,
      bpffs,
      mode,
      maxFlows,
      maxTemplates,
      maxFragments,
      rules = defaultRules,
      timeouts = {},
    } = options
    ensureBpffs(bpffs)
    const pins = new PinDirectory(bpffs, name)
    const geometry = geometryFor(maxFlows, maxTemplates, maxFragments)
    using rollback = new Rollback()
    const loaded = rollback.own(LoadedProgram.load(pins, geometry))
    if (!loaded.adopted) rollback.add(() => pins.removeAll())
    loaded.setRules(rules)
    loaded.setTimeouts(timeouts)
    while (!loaded.setClock()) await sleep(CLOCK_RETRY_MS)
    const resized = await moveFlows(loaded, pins)
    if (isSameGeometry(loaded.geometry, geometry)) {
      const paths = rollback.own(PathMtuEvents.open())
      const dataPlane = new DataPlane(loaded, { pins, netlink, events, paths, mode, resized })
      rollback.commit()
      return dataPlane
    }
    loaded.close() // that was the end of what another process had begun
    return DataPlane.open(netlink, events, options)
  }

  get adopted(): boolean {
    return this.#loaded.adopted
  }

  /** Why what a former process had left could not be used, if so. */
  get discarded(): string | undefined {
    return this.#loaded.discarded
  }

  /** Balances these services and no others. Flows stay with their reals. */
  apply(services: readonly ServiceSpec[]): void {
    this.#services.apply(services)
  }

  /** Balances one of them anew: with other reals, other weights. */
  update(service: ServiceSpec): void {
    this.#services.update(service)
  }

  setRole(vip: Address, role: Role): void {
    this.#services.setRole(vip, role)
  }

  /** The id of an address: where its cell is, see `roleCells`. */
  vipId(vip: Address): number | undefined {
    return this.#tables.vips.find(vip)
  }

  /** Where the roles stand, for a process that writes them itself, and until when it vouches for them: bpf/yield.h. */
  roleCells() {
    const { master, backup } = roles
    const path = this.#pins.ofMap('.bss')
    return { path, array: tablesLayout.vips, roleAt: ROLE_AT, vouchedAt: VOUCHED_AT, master, backup }
  }

  /** Sits on these interfaces, and on others only if it is to. Throws `NOT_FOUND`, `BUSY`, `UNSUPPORTED`. */
  attach(interfaces: readonly string[], options?: AttachOptions): void {
    this.#ways.attach(interfaces, options)
  }

  /** Resolves when each real has been asked for its MAC address: at once, or when the kernel gives up (3 s). */
  async settled(): Promise<void> {
    while (this.#hops.isPending()) await once(this.#hops, 'change')
  }

  /** Why reals take no flows that are configured to. */
  unreachable(): RealChange[] {
    return this.#services.unreachable()
  }

  interfaces(): InterfaceStatus[] {
    return this.#interfaces.status()
  }

  /** Why VLAN tags do not show where they should, a line for each interface: of these, or of all. */
  hiddenTags(interfaces?: readonly string[]): string[] {
    return this.#interfaces.hiddenTags(interfaces)
  }

  vips(): VipStatus[] {
    return this.#services.vips()
  }

  /** Those of these names that are running; counters are read for all at once. */
  services(names: readonly string[]): ServiceStatus[] {
    const { reals, loads } = this.#tables
    const describer = new ServiceDescriber(this.#services, reals, this.#traffic, loads)
    return describer.describe(names.flatMap(name => this.#services.named(name) ?? []))
  }

  /** @param templates how many there are, if that has been counted before: some milliseconds for each million of slots */
  flowTable(templates = this.#tables.templates.count()): FlowTableStatus {
    return {
      flows: this.#tables.loads.total(),
      slots: this.#tables.flows.length,
      templates,
      templateSlots: this.#tables.templates.length,
      memoryBytes: tableBytes(this.#loaded.geometry),
    }
  }

  /** How many templates there are in each of the slices that the table is cut into. */
  *templateCounts(): Generator<number> {
    const { templates } = this.#tables
    for (let first = 0; first < templates.length; first += SLICE_SLOTS)
      yield templates.count(first, first + SLICE_SLOTS)
  }

  /** The flows and templates, a slice of the tables at a time. */
  connections(filter: ConnectionFilter): AsyncGenerator<Connection[]> {
    return new ConnectionList(this.#tables, this.#services.running, filter, () => this.#loaded.now()).slices()
  }

  /** Where a packet would go, and why. Throws `USAGE` for one that there cannot be. */
  where(question: PacketQuestion): Whereabouts {
    return new Oracle(this.#loaded, this.#tables, () => this.#services.running).ask(question)
  }

  /** The decisions on packets as they happen. */
  trace(options: TraceOptions): AsyncGenerator<TraceLine[]> {
    return this.#tracer.trace(options)
  }

  /** Packets by verdict, since the tables were made. */
  verdicts(): Record<Verdict, number> {
    return countVerdicts(this.#loaded)
  }

  /** What happened beside the verdicts, since the tables were made. */
  events(): Record<Event, number> {
    return countEvents(this.#loaded)
  }

  /** Ends the balancing: detaches, and forgets every flow. Closes too. */
  remove(): void {
    this.#interfaces.detach()
    this.close()
    this.#pins.removeAll()
  }

  /** Undoes what a failed start had begun: what a former process had attached stays so, and nothing else. Closes too. */
  abandon(): void {
    if (this.adopted) {
      this.#interfaces.restore()
      this.close()
    } else this.remove()
  }

  /** Lets go: packets are forwarded on, by what the tables say, until the next one comes and adopts. */
  close(): void {
    for (const part of this.#parts) part[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
