import type { Test } from 'tap'
import { addressFromBytes, parseAddress } from '../../lib/address.js'
import { TICKS_PER_SECOND } from '../../lib/dataplane/clock.js'
import { type Geometry, geometryFor } from '../../lib/dataplane/geometry.js'
import * as layout from '../../lib/dataplane/layout.gen.js'
import { LoadedProgram } from '../../lib/dataplane/load.js'
import { PinDirectory } from '../../lib/dataplane/pins.js'
import { Services } from '../../lib/dataplane/services.js'
import { Tables } from '../../lib/dataplane/tables.js'
import { XdplbError } from '../../lib/errors.js'
import { type Codec, encodeXdpContext, type TestRun } from '../../lib/libbpf/index.js'
import { errnos } from '../../lib/net/errno.js'
import { macBytes } from '../../lib/net/mac.js'
import { makeBpffs } from '../libbpf/kernel.js'
import { FixedHops, LOOPBACK, lastByteOf, realAddress, realMac } from './hops.js'
import { balancerMac, buildFrame, type Frame, frameBytes, type Tag } from './packet.js'
import { type ServiceWish, serviceSpec } from './service-spec.js'

export { skip } from '../libbpf/kernel.js'

/** `enum xdp_action`, include/uapi/linux/bpf.h */
const actions = ['ABORTED', 'DROP', 'PASS', 'TX', 'REDIRECT'] as const

export type Action = (typeof actions)[number]

/** In bytes: what of the 256 before a packet (XDP_PACKET_HEADROOM) struct xdp_frame leaves. */
const MOST_METADATA = 216

/** What became of a frame. */
export interface Run {
  readonly action: Action
  readonly data: Buffer
  /** The last byte of the address of the real it was sent to; undefined if it was not. */
  readonly real: number | undefined
}

export interface Outcome extends Run {
  readonly verdict: layout.Verdict
}

/** A live flow as its word and its cold half have it. */
export interface FlowView extends layout.Flow {
  readonly index: number
  readonly real: number
  readonly state: layout.FlowState
  /** Ticks since its last packet. */
  readonly idle: number
}

/**
 * A frame as it goes to the real 10.0.0.N: other MAC addresses, a TTL less, the VLAN tags that lead there, and nothing
 * else changed.
 */
export function forwarded(frame: Frame, lastByte: number, vlans: readonly Tag[] = []): Buffer {
  const ttl = (frame.ttl ?? 64) - 1
  return buildFrame({ ...frame, to: realMac(lastByte), from: balancerMac, ttl, vlans })
}

/** The balancer's program in the kernel and its tables, with packets by BPF_PROG_TEST_RUN and no network at all. */
export class ProgramUnderTest implements Disposable {
  readonly loaded: LoadedProgram
  readonly pins: PinDirectory
  readonly tables: Tables
  readonly hops = new FixedHops()
  readonly services: Services

  constructor(loaded: LoadedProgram, pins: PinDirectory) {
    this.loaded = loaded
    this.pins = pins
    this.tables = new Tables(name => loaded.mapped(name))
    this.services = new Services(this.tables, this.hops)
    this.tables.ports.write(LOOPBACK, {
      mac: macBytes(balancerMac),
      stripped: 0,
      ifindex: LOOPBACK,
      egress: LOOPBACK,
    })
  }

  /** Balances these services and no others, as master of all their VIPs. */
  apply(...wishes: readonly ServiceWish[]): void {
    const specs = wishes.map(serviceSpec)
    this.services.apply(specs)
    for (const { matches } of specs) for (const { vip } of matches) this.services.setRole(vip, 'master')
  }

  /** Runs the program on a frame. */
  run(frame: Frame | Uint8Array): Run {
    return this.#run({ data: frameBytes(frame) })
  }

  /** Runs the program on a frame and finds out the verdict, which takes reading all counters twice. */
  send(frame: Frame | Uint8Array): Outcome {
    return this.#counted(() => this.run(frame))
  }

  /**
   * The same of a frame that has no room in front of it: metadata takes that. Undefined where the kernel does not
   * allow for so much (before 6.7).
   */
  sendCrowded(frame: Frame): Outcome | undefined {
    const data = Buffer.concat([Buffer.alloc(MOST_METADATA), buildFrame(frame)])
    const context = encodeXdpContext({ dataSize: data.length, metadataSize: MOST_METADATA })
    try {
      return this.#counted(() => this.#run({ data, context }))
    } catch (error) {
      if (error instanceof XdplbError && error.errno === errnos.EINVAL) return undefined
      throw error
    }
  }

  verdicts(): Record<layout.Verdict, number> {
    return this.#count('verdicts', layout.verdict)
  }

  events(): Record<layout.Event, number> {
    return this.#count('events', layout.event)
  }

  /** What a real 10.0.0.N of a service has been sent, over all CPUs. */
  stats(lastByte: number, service = 0): { connections: number; packets: number; bytes: number } {
    return this.statsOf(this.realId(lastByte, service))
  }

  statsOf(realId: number): { connections: number; packets: number; bytes: number } {
    const { key, value } = layout.mapLayouts.stats
    const cpus = this.loaded.map('stats').perCpu({ key, value }).lookup(realId) ?? []
    const sum = (field: keyof layout.RealStats) => cpus.reduce((total, cpu) => total + Number(cpu[field]), 0)
    return { connections: sum('connections'), packets: sum('packets'), bytes: sum('bytes') }
  }

  /** The id of a real 10.0.0.N, or 2001:db8::N, of a service that is running. */
  realId(lastByte: number, service = 0): number {
    const running = this.services.running[service]
    const addresses = [realAddress(lastByte), realAddress(lastByte, 6)]
    const place = running?.spec.reals.findIndex(({ address }) => addresses.includes(address)) ?? -1
    const id = running?.reals[place]
    if (id === undefined) throw new Error(`no real 10.0.0.${lastByte} in service ${service}`)
    return id
  }

  get now(): number {
    return this.loaded.now()
  }

  /** The flow that a frame belongs to, if there is one. */
  flow(frame: Frame = {}): FlowView | undefined {
    const { source = '10.0.0.100', sourcePort = 40000 } = frame
    const client = parseAddress(source)
    return this.flows().find(
      flow => flow.clientPort === sourcePort && addressFromBytes(flow.client) === client,
    )
  }

  /** All flows that are in the table, the expired ones that nobody has freed included. */
  flows(): FlowView[] {
    const cold = this.loaded.mapped('flows')
    return [...this.#words('flow_words')].map(([index, word]) => {
      const { real, state, age } = parseWord(word)
      const idle = (this.now - age) & 0xffff
      return { ...cold.read(layout.flow, index), index, real, state: stateName(state), idle }
    })
  }

  /** All persistence templates that are in the table. */
  templates(): (layout.Template & { index: number; real: number; state: number })[] {
    const cold = this.loaded.mapped('templates')
    return [...this.#words('template_words')].map(([index, word]) => {
      return { ...cold.read(layout.template, index), index, ...parseWord(word) }
    })
  }

  /** Changes the cold half of a slot. */
  rewrite<T>(map: 'flows' | 'templates', codec: Codec<T>, index: number, fields: Partial<T>): void {
    const array = this.loaded.mapped(map)
    array.write(codec, index, { ...array.read(codec, index), ...fields })
  }

  /** Lets time go by, by making everything in the tables so much older. */
  wait(seconds: number): void {
    const ticks = Math.round(seconds * TICKS_PER_SECOND)
    const words = this.loaded.mapped('flow_words').u64
    for (const [index, word] of this.#words('flow_words')) {
      const age = (parseWord(word).age - ticks) & 0xffff
      words[index] = (word & ~(0xffffn << AGE)) | (BigInt(age) << AGE)
    }
    for (const { index, expires } of this.templates())
      this.rewrite('templates', layout.template, index, { expires: expires - ticks })
    const fragments = this.#fragments()
    for (const [key, { real, since }] of [...fragments]) fragments.update(key, { real, since: since - ticks })
  }

  /** ICMP answers are rationed by the second: begins a new ration. */
  refillAnswers(): void {
    const { key, value } = layout.mapLayouts.icmp_limits
    const limits = this.loaded.map('icmp_limits').perCpu({ key, value })
    limits.update(0, limits.lookup(0)?.map(() => ({ second: 0, sent: 0 })) ?? [])
  }

  /** Forgets every flow, every template and every fragment. */
  clear(): void {
    for (const name of ['flow_words', 'template_words'] as const) this.loaded.mapped(name).bytes.fill(0)
    const counts = this.loaded.mapped('loads').u64
    for (const id of this.tables.reals.ids()) counts[(id * layout.load.size) / 8] = 0n
    const fragments = this.#fragments()
    for (const [key] of [...fragments]) fragments.delete(key)
  }

  #run(packet: TestRun): Run {
    const { retval, data } = this.loaded.program.testRun(packet)
    const action = actions[retval]
    if (action === undefined) throw new Error(`the program returned ${retval}`)
    return { action, data, real: lastByteOf(data) }
  }

  #counted(run: () => Run): Outcome {
    const before = this.verdicts()
    const outcome = run()
    const after = this.verdicts()
    const counted = verdictNames.flatMap(name => Array<layout.Verdict>(after[name] - before[name]).fill(name))
    const [verdict] = counted
    if (verdict === undefined || counted.length > 1) throw new Error(`one packet, but counted ${counted}`)
    return { ...outcome, verdict }
  }

  #fragments() {
    const { key, value } = layout.mapLayouts.fragments
    return this.loaded.map('fragments').typed({ key, value })
  }

  /** All words of a table that hold something, by index. */
  *#words(name: 'flow_words' | 'template_words'): Generator<[index: number, word: bigint]> {
    for (const [index, word] of this.loaded.mapped(name).u64.entries()) if (word & 0xfn) yield [index, word]
  }

  #count<Name extends string>(
    map: 'verdicts' | 'events',
    names: Readonly<Record<Name, number>>,
  ): Record<Name, number> {
    const { key, value } = layout.mapLayouts[map]
    const totals = new Map<number, number>()
    for (const [index, cpus] of this.loaded.map(map).perCpu({ key, value }))
      totals.set(index, Number(cpus.reduce((sum, cpu) => sum + cpu, 0n)))
    return mapValues(names, index => totals.get(index) ?? 0)
  }

  close(): void {
    this.services.close()
    this.loaded.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * Loads the program with small tables, pinned in a BPF file system of its own, with the ordinary service unless
 * others are wished for. All is gone when the test is over.
 */
export function loadProgram(
  t: Test,
  {
    geometry = geometryFor(1024, 1024, 1024),
    services = [{}],
  }: { geometry?: Geometry; services?: ServiceWish[] } = {},
): ProgramUnderTest {
  const program = startProgram(new PinDirectory(makeBpffs(t), 'test'), geometry)
  t.teardown(() => program.close())
  program.apply(...services)
  return program
}

/** Loads the program, or adopts what is pinned there. */
export function startProgram(pins: PinDirectory, geometry: Geometry): ProgramUnderTest {
  const loaded = LoadedProgram.load(pins, geometry)
  while (!loaded.setClock()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, CLOCK_RETRY_MS)
  return new ProgramUnderTest(loaded, pins)
}

/** Between two tries to find out HZ, in the two seconds in which it cannot be told. */
const CLOCK_RETRY_MS = 500

const AGE = BigInt(layout.word.age_shift)

const verdictNames = namesOf(layout.verdict)
const stateNames = namesOf(layout.flowState)

function namesOf<Name extends string>(names: Readonly<Record<Name, number>>): Name[] {
  return Object.keys(names).filter((name): name is Name => name in names)
}

function mapValues<Name extends string>(
  names: Readonly<Record<Name, number>>,
  value: (index: number) => number,
): Record<Name, number> {
  const result: Record<Name, number> = { ...names }
  for (const name of namesOf(names)) result[name] = value(names[name])
  return result
}

function stateName(state: number): layout.FlowState {
  const name = stateNames.find(candidate => layout.flowState[candidate] === state)
  if (name === undefined) throw new Error(`no flow state has the number ${state}`)
  return name
}

function parseWord(word: bigint): { real: number; age: number; state: number } {
  return {
    real: Number((word >> BigInt(layout.word.real_shift)) & 0xffffn),
    age: Number((word >> AGE) & 0xffffn),
    state: Number(word & 0xfn),
  }
}
