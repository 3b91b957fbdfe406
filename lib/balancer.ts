import { EventEmitter } from 'node:events'
import { setImmediate as others } from 'node:timers/promises'
import type { Address } from './address.js'
import { DEFAULT_NAME } from './balancer-name.js'
import type { BalancerOptions, CloseOptions } from './balancer-options.js'
import { type Config, neighboursOf, type RealServer } from './config/index.js'
import type { Connection, ConnectionFilter } from './connection.js'
import { DataPlane } from './dataplane/data-plane.js'
import type { RealChange } from './dataplane/services.js'
import type { ServiceSpec } from './dataplane/spec.js'
import type { PacketQuestion, TraceLine, TraceOptions, Whereabouts } from './decision.js'
import { messageOf } from './errors.js'
import type { RealHealthChange } from './health/engine.js'
import { neighbourShortages } from './neighbour-limit.js'
import { DEFAULT_BPFFS } from './net/bpffs.js'
import { everyTopic, NetlinkEvents } from './net/netlink/events.js'
import { Netlink } from './net/netlink/netlink.js'
import { Mailer } from './notify/mailer.js'
import { type Plan, planOf, settingsOf } from './plan.js'
import { Rollback } from './rollback.js'
import { Rotation } from './rotation.js'
import { formatEndpoint, formatService } from './service.js'
import type {
  BalancerStatus,
  FlowTableStatus,
  InterfaceStatus,
  ServiceStatus,
  StatusParts,
  VrrpStateName,
} from './status.js'
import { version } from './version.js'
import { VrrpProcess } from './vrrp/vrrp-process.js'

export interface BalancerEvents {
  /** A real begins or ceases to take flows; `reason` is empty when it begins. */
  real: [{ readonly service: string; readonly real: string; readonly up: boolean; readonly reason: string }]
  /** An interface is gone, or is attached to again. */
  interface: [InterfaceStatus]
  /** A VRRP instance has become what it says. */
  vrrp: [{ readonly instance: string; readonly state: VrrpStateName }]
  /** What keepalived would log, in its words. */
  log: [{ readonly level: 'info' | 'warn'; readonly message: string }]
  /** Something an operator should know, and that the balancer lives with. */
  warning: [{ readonly message: string }]
}

/**
 * A running load balancer: one Config in, packets balanced until `close()`. Needs CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF
 * and CAP_PERFMON, which is to say root on most machines.
 *
 * A balancer whose process dies without `close()` goes on balancing in the kernel; the next one of its name takes it
 * over without losing a flow.
 */
export class Balancer extends EventEmitter<BalancerEvents> implements AsyncDisposable {
  readonly #name: string
  readonly #startedAt = new Date()
  readonly #netlink: Netlink
  readonly #events: NetlinkEvents
  readonly #dataPlane: DataPlane
  readonly #plan: Plan
  /** What the kernel has to find the MAC addresses of. */
  readonly #neighbours: ReadonlySet<Address>
  readonly #rotation: Rotation
  readonly #mailer: Mailer
  #vrrp: VrrpProcess | undefined
  /** What came up before anybody could listen. */
  #early: string[] | undefined = []
  #closed = false

  private constructor(
    { name, config }: { name: string; config: Config },
    netlink: Netlink,
    events: NetlinkEvents,
    dataPlane: DataPlane,
  ) {
    super()
    this.#name = name
    this.#plan = planOf(config)
    this.#neighbours = new Set(neighboursOf(this.#plan.services))
    this.#rotation = new Rotation(this.#plan.services)
    this.#mailer = new Mailer(config.global)
    this.#netlink = netlink
    this.#events = events
    this.#dataPlane = dataPlane
    dataPlane.on('real', change => this.#tellReal(change))
    dataPlane.on('interface', status => this.#tellInterface(status))
    this.#rotation.on('log', ({ level, text }) => this.emit('log', { level, message: text }))
    this.#rotation.on('change', (...news) => this.#rotate(...news))
    this.#mailer.on('warning', ({ message }) => this.#warn(message))
    for (const part of [dataPlane, events]) part.on('error', (error: unknown) => this.#warn(messageOf(error)))
    events.on('overrun', () =>
      this.#warn('events of the kernel were lost: what they may have told is looked up anew'),
    )
  }

  /**
   * Starts to balance. Resolves when the program is attached, each real has been asked for its MAC address, and the
   * election of the virtual addresses is under way; `vrrp` tells of its outcome.
   *
   * Throws `NOT_FOUND` for interfaces, `BUSY` where another XDP program sits, `PERMISSION`, `UNSUPPORTED`; whatever it had
   * begun is undone then. Where a former process had left packets forwarded they still are, by the services of this
   * configuration if it came to that.
   */
  static async start(config: Config, options: BalancerOptions = {}): Promise<Balancer> {
    const { name = DEFAULT_NAME, bpffs = DEFAULT_BPFFS, xdpMode: mode = 'auto' } = options
    using rollback = new Rollback()
    const netlink = rollback.own(Netlink.open())
    const events = rollback.own(NetlinkEvents.open({ about: everyTopic }))
    const dataPlane = await DataPlane.open(netlink, events, { name, bpffs, mode, ...settingsOf(config) })
    rollback.add(() => dataPlane.abandon())
    const balancer = new Balancer({ name, config }, netlink, events, dataPlane)
    rollback.commit()
    try {
      await balancer.#begin(options.interfaces)
    } catch (error) {
      await balancer.#end({ leave: dataPlane.adopted }, () => dataPlane.abandon())
      throw error
    }
    setImmediate(() => balancer.#tellEarly())
    return balancer
  }

  /** What it is doing now, told in one go: some milliseconds for each thousand real servers. */
  status(): BalancerStatus {
    const services = [...this.#rotation.slices()].flatMap(names => this.#describe(names))
    return { ...this.#summary(this.#dataPlane.flowTable()), services }
  }

  /** The same with pauses, in which whatever else there is has its turn: for thousands of real servers. */
  async statusInParts(): Promise<StatusParts> {
    let templates = 0
    for (const some of this.#dataPlane.templateCounts()) {
      templates += some
      await others()
    }
    return { summary: this.#summary(this.#dataPlane.flowTable(templates)), services: this.#servicesInParts() }
  }

  /**
   * The flows and the persistence templates, some thousand slots of the tables at a time: a million entries stall
   * nothing and are never held at once. What begins or ends meanwhile may be among them or not.
   */
  connections(filter: ConnectionFilter = {}): AsyncGenerator<readonly Connection[]> {
    return this.#dataPlane.connections(filter)
  }

  /**
   * Where a packet would go now, and why: answered by the program itself, in a copy that changes nothing. Throws
   * `USAGE` for one that there cannot be.
   */
  where(packet: PacketQuestion): Whereabouts {
    return this.#dataPlane.where(packet)
  }

  /**
   * The decisions on packets as they happen, twenty times a second those since the last time, or none. Packets pay for
   * it only while somebody iterates. At most 40,000 a second are told, and how many were not. Throws `BUSY` while
   * another trace runs, `USAGE` for names that are none.
   */
  trace(options: TraceOptions = {}): AsyncGenerator<readonly TraceLine[]> {
    return this.#dataPlane.trace(options)
  }

  /** Stops: takes the addresses away, detaches, unpins and forgets everything, unless it is to go on forwarding. */
  async close({ leaveForwarding = false }: CloseOptions = {}): Promise<void> {
    await this.#end({ leave: leaveForwarding }, () =>
      leaveForwarding ? this.#dataPlane.close() : this.#dataPlane.remove(),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #end({ leave }: { leave: boolean }, endDataPlane: () => void): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#rotation.close()
    await this.#vrrp?.close({ leave })
    endDataPlane()
    this.#events.close()
    this.#netlink.close()
    await this.#mailer.close()
  }

  async *#servicesInParts(): AsyncGenerator<ServiceStatus[]> {
    for (const names of this.#rotation.slices()) {
      yield this.#describe(names)
      await others()
    }
  }

  #describe(names: readonly string[]): ServiceStatus[] {
    return this.#rotation.describe(this.#dataPlane.services(names))
  }

  #summary(flowTable: FlowTableStatus): StatusParts['summary'] {
    return {
      name: this.#name,
      version: version(),
      pid: process.pid,
      startedAt: this.#startedAt.toISOString(),
      adopted: this.#dataPlane.adopted,
      ...(this.#dataPlane.resized && { resized: this.#dataPlane.resized }),
      warnings: [...this.#shortages(), ...this.#dataPlane.hiddenTags()],
      interfaces: this.#dataPlane.interfaces(),
      vrrp: this.#vrrp?.status() ?? [],
      vips: this.#dataPlane.vips(),
      flowTable,
      verdicts: this.#dataPlane.verdicts(),
      events: this.#dataPlane.events(),
    }
  }

  async #begin(wanted: readonly string[] | undefined): Promise<void> {
    const { instances, interfaces } = this.#plan
    const { discarded } = this.#dataPlane
    if (discarded) this.#warn(`what a former process left forwarding could not be taken over: ${discarded}`)
    for (const shortage of this.#shortages()) this.#warn(shortage)
    const services = this.#rotation.specs
    this.#dataPlane.apply(services)
    await this.#dataPlane.settled()
    this.#dataPlane.attach(wanted ?? interfaces, { alsoToReals: wanted === undefined })
    this.#warnOfUnreachable()
    const elected = new Set(instances.flatMap(({ addresses }) => addresses.map(({ address }) => address)))
    const vips = new Set(services.flatMap(({ matches }) => matches.map(({ vip }) => vip)))
    for (const vip of vips) if (!elected.has(vip)) this.#dataPlane.setRole(vip, 'master')
    if (instances.length > 0) this.#elect(instances)
    this.#rotation.start()
  }

  /** A real leaves the rotation or comes back: the packets first, then the words. */
  #rotate(service: ServiceSpec, change: RealHealthChange, configured: RealServer): void {
    const { real, up, reason, cause, service: name } = change
    this.#dataPlane.update(service)
    this.emit('real', { service: formatService(name), real: formatEndpoint(real), up, reason })
    if (configured.smtpAlert) this.#mailer.realServer({ service: name, real, up, cause })
  }

  /** Addresses that no instance names are this node's own; the others it has while it is master. */
  #elect(instances: Plan['instances']): void {
    const orders = instances.map(instance => ({
      ...instance,
      cells: instance.addresses.flatMap(({ address }) => this.#dataPlane.vipId(address) ?? []),
    }))
    this.#vrrp = new VrrpProcess(orders, this.#dataPlane.roleCells())
    this.#vrrp.on('become', (instance, state) => {
      this.emit('vrrp', { instance, state })
      const configured = this.#plan.instances.find(({ instance: { name } }) => name === instance)
      if (configured?.smtpAlert && state !== 'INIT') this.#mailer.vrrpInstance({ name: instance, state })
    })
    this.#vrrp.on('log', (level, message) => this.emit('log', { level, message }))
  }

  #shortages(): string[] {
    return neighbourShortages(this.#neighbours)
  }

  #warnOfUnreachable(): void {
    for (const { service, real, resolution } of this.#dataPlane.unreachable()) {
      if ('hop' in resolution) continue
      const { reason } = resolution
      this.#warn(`real server ${real} of ${service}: ${reason}; it takes no new flows until that changes`)
    }
  }

  #tellInterface(status: InterfaceStatus): void {
    this.emit('interface', status)
    const { name, state } = status
    if (state === 'attached') for (const hidden of this.#dataPlane.hiddenTags([name])) this.#warn(hidden)
  }

  #tellReal({ service, real, resolution }: RealChange): void {
    const up = 'hop' in resolution
    this.emit('real', { service, real, up, reason: up ? '' : resolution.reason })
  }

  #warn(message: string): void {
    if (this.#early) this.#early.push(message)
    else this.emit('warning', { message })
  }

  #tellEarly(): void {
    const messages = this.#early ?? []
    this.#early = undefined
    for (const message of messages) this.#warn(message)
  }
}
