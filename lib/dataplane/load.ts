import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { XdplbError } from '../errors.js'
import { BpfMap, BpfObject, type LoadedObject, type MappedArray, type Program } from '../libbpf/index.js'
import { kernelFrequency, readClock, ticksPerJiffy } from './clock.js'
import { type Geometry, tableSizes } from './geometry.js'
import * as layout from './layout.gen.js'
import type { PinDirectory } from './pins.js'
import { defaultRules, encodeRules, type Rules } from './rules.js'
import { defaultTimeouts, type Timeouts, timeoutTable, withTimeouts } from './timeouts.js'

/** In the package it stands where it stands among the sources: `bpf/` beside `lib/`. */
const OBJECT = fileURLToPath(new URL('../../bpf/xdplb.bpf.o', import.meta.url))

/** Those that the program declares, and `.bss`, which libbpf makes of its one variable: {@link TableName}. */
export type MapName = keyof typeof layout.mapLayouts | typeof VARIABLE

/** The members of the variable. */
export type TableName = keyof typeof layout.tablesLayout

const VARIABLE = '.bss'

const mapNames = [...Object.keys(layout.mapLayouts), VARIABLE].filter(isMapName)

/** The programs behind a tail call: each is called as its step is. */
const slowSteps = Object.keys(layout.slowStep).filter(isSlowStep)

/** Those of them that are loaded with the first trace: each is proved by the verifier as long as all others together. */
const tracingSteps = ['traced', 'traced_ipv6'] as const satisfies readonly layout.SlowStep[]

const usualSteps = slowSteps.filter(step => !tracingSteps.some(tracing => tracing === step))

/** The program in the kernel, with its maps: made new, or around the maps that a former process left pinned. */
export class LoadedProgram implements Disposable {
  /** Whether the maps, and the flows in them, are a former process's. */
  readonly adopted: boolean
  /** Why what a former process had left could not be used. */
  readonly discarded: string | undefined
  readonly #object: LoadedObject
  readonly #mapped = new Map<MapName | TableName, MappedArray>()
  #tracing: LoadedObject | undefined

  private constructor(object: LoadedObject, adopted: boolean, discarded: string | undefined) {
    this.#object = object
    this.adopted = adopted
    this.discarded = discarded
  }

  /**
   * Loads the program and pins its maps. What was pinned before is adopted if its layout is this version's, or else
   * given up.
   *
   * @param geometry of the tables, if they are made now; adopted ones keep theirs
   */
  static load(pins: PinDirectory, geometry: Geometry): LoadedProgram {
    if (!pins.exists()) return LoadedProgram.#make(pins, geometry, undefined)
    try {
      return LoadedProgram.#adopt(pins)
    } catch (error) {
      if (!(error instanceof Unusable)) throw error
      pins.removeAll()
      return LoadedProgram.#make(pins, geometry, error.message)
    }
  }

  static #adopt(pins: PinDirectory): LoadedProgram {
    using object = openWithout(tracingSteps)
    for (const name of mapNames) reusePinned(object, name, pins.ofMap(name))
    const loaded = new LoadedProgram(object.load(), true, undefined)
    loaded.#finish(pins)
    return loaded
  }

  static #make(pins: PinDirectory, geometry: Geometry, discarded: string | undefined): LoadedProgram {
    using object = openWithout(tracingSteps)
    for (const [name, entries] of Object.entries(tableSizes(geometry))) object.setMaxEntries(name, entries)
    const loaded = new LoadedProgram(object.load(), false, discarded)
    loaded.mapped('settings').write(layout.settings, 0, {
      seed: newSeed(),
      layout: layout.layout.version,
      flowMask: geometry.flowBuckets - 1,
      templateMask: geometry.templateBuckets - 1,
      ticksPerJiffy: 0,
      rules: encodeRules(defaultRules),
      tracedUntil: 0,
      timeouts: timeoutTable(defaultTimeouts),
    })
    pins.create()
    for (const name of mapNames) loaded.map(name).pin(pins.ofMap(name))
    loaded.#finish(pins)
    return loaded
  }

  get program(): Program {
    return this.#object.program('xdplb')
  }

  /** Says where a packet would go: bpf/where.h. */
  get where(): Program {
    return this.#object.program('where')
  }

  /** Loads what a trace takes, if it is not there yet: that holds everything else up for some tenths of a second. */
  loadTracing(): void {
    if (this.#tracing) return
    using object = openWithout([...usualSteps, 'xdplb', 'where', 'read_clock'])
    for (const name of mapNames) object.reuse(name, this.map(name))
    this.#tracing = object.load()
    for (const step of tracingSteps) this.#slow.update(step, this.#tracing.program(step).fd)
  }

  /** The present in ticks, as the program sees it. */
  now(): number {
    return readClock(this.#object.program('read_clock')).ticks
  }

  map(name: MapName): BpfMap {
    return this.#object.map(name)
  }

  mapped(name: MapName | TableName): MappedArray {
    const known = this.#mapped.get(name)
    if (known) return known
    const mapped = isMapName(name)
      ? this.map(name).mapped()
      : this.mapped(VARIABLE).within(layout.tablesLayout[name])
    this.#mapped.set(name, mapped)
    return mapped
  }

  /** What holds from now on, also for the flows that there are. */
  setRules(rules: Rules): void {
    this.#set({ rules: encodeRules(rules) })
  }

  /** The same. */
  setTimeouts(timeouts: Timeouts): void {
    this.#set({ timeouts: timeoutTable(withTimeouts(timeouts)) })
  }

  /**
   * Finds out HZ, unless a former process has. For two seconds, five minutes after boot, it cannot be told: then the
   * answer is false, and whoever asked waits and asks again.
   */
  setClock(): boolean {
    if (this.mapped('settings').read(layout.settings, 0).ticksPerJiffy > 0) return true
    const hz = kernelFrequency(readClock(this.#object.program('read_clock')))
    if (hz === undefined) return false
    this.#set({ ticksPerJiffy: ticksPerJiffy(hz) })
    return true
  }

  close(): void {
    for (const mapped of this.#mapped.values()) mapped.close()
    this.#tracing?.close()
    this.#object.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  get #slow() {
    const { key, value } = layout.mapLayouts.slow
    return this.map('slow').typed({ key, value })
  }

  #set(some: Partial<layout.Settings>): void {
    const settings = this.mapped('settings').read(layout.settings, 0)
    this.mapped('settings').write(layout.settings, 0, { ...settings, ...some })
  }

  /** The new programs stand in for the old ones: in the array of slow steps, and under the pin. */
  #finish(pins: PinDirectory): void {
    for (const step of usualSteps) this.#slow.update(step, this.#object.program(step).fd)
    for (const step of tracingSteps) this.#slow.delete(step)
    pins.remove(pins.of('prog'))
    this.program.pin(pins.of('prog'))
  }
}

/** The object, without some of its programs. */
function openWithout(programs: readonly string[]): BpfObject {
  const object = BpfObject.open(OBJECT).withXdpFrags()
  for (const program of programs) object.setAutoload(program, false)
  return object
}

/** What a former process had left is of another version, or not all there. */
class Unusable extends Error {}

function reusePinned(object: BpfObject, name: MapName, path: string): void {
  try {
    using map = BpfMap.openPinned(path)
    if (name === VARIABLE) checkVersion(map)
    object.reuse(name, map)
  } catch (error) {
    if (!(error instanceof XdplbError) || (error.code !== 'USAGE' && error.code !== 'NOT_FOUND')) throw error
    throw new Unusable(error.message, { cause: error })
  }
}

function checkVersion(map: BpfMap): void {
  using variable = map.mapped()
  const { layout: version } = variable.within(layout.tablesLayout.settings).read(layout.settings, 0)
  if (version === layout.layout.version) return
  throw new XdplbError('USAGE', `layout version ${version}, expected ${layout.layout.version}`)
}

/** Two masks and two odd factors: bpf/hash.h. */
function newSeed(): bigint[] {
  const bytes = randomBytes(32)
  return [0, 8, 16, 24].map(at => bytes.readBigUInt64LE(at) | (at % 16 === 8 ? 1n : 0n))
}

function isSlowStep(name: string): name is layout.SlowStep {
  return name in layout.slowStep
}

function isMapName(name: string): name is MapName {
  return name in layout.mapLayouts || name === VARIABLE
}
