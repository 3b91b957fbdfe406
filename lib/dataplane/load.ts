import { randomBytes } from 'node:crypto'
import type { BpfMap, LoadedObject, MappedArray, Program } from '../libbpf/index.js'
import { Rollback } from '../rollback.js'
import { kernelFrequency, readClock, ticksPerJiffy } from './clock.js'
import type { FormerTables } from './former-tables.js'
import { type Geometry, isSameGeometry } from './geometry.js'
import * as layout from './layout.gen.js'
import type { PinDirectory } from './pins.js'
import {
  checkVersion,
  isMapName,
  type MapName,
  MOVER,
  mapNames,
  ofOwnSize,
  openTables,
  openWithout,
  reusePinned,
  setSize,
  slowSteps,
  type TableName,
  tellSize,
  Unusable,
  VARIABLE,
} from './program-object.js'
import { defaultRules, encodeRules, type Rules } from './rules.js'
import { defaultTimeouts, type Timeouts, timeoutTable, withTimeouts } from './timeouts.js'
import { walk } from './walk.js'

/** Where a program's maps come from. */
interface Origin {
  readonly adopted?: boolean
  readonly discarded?: string | undefined
  readonly former?: FormerTables | undefined
}

/** The program in the kernel, with its maps: made new, or around the maps that a former process left pinned. */
export class LoadedProgram implements Disposable {
  /** Whether the maps, and the flows in them, are a former process's. */
  readonly adopted: boolean
  /** Why what a former process had left could not be used. */
  readonly discarded: string | undefined
  /** The tables that a former process's are to be moved from: see {@link moveFlows}. */
  readonly former: FormerTables | undefined
  readonly #object: LoadedObject
  readonly #mapped = new Map<MapName | TableName, MappedArray>()

  private constructor(object: LoadedObject, { adopted = false, discarded, former }: Origin) {
    this.#object = object
    this.adopted = adopted
    this.discarded = discarded
    this.former = former
  }

  /**
   * Loads the program and pins its maps. What was pinned before is adopted if its layout is this version's, or else
   * given up. Tables of another size are made anew, and those that were there become `former`; so they do if a process
   * has died that was about to move what they hold, and the size is the one that it wanted.
   */
  static load(pins: PinDirectory, geometry: Geometry): LoadedProgram {
    if (!pins.exists()) return LoadedProgram.#make(pins, geometry, undefined)
    pins.recover()
    try {
      return LoadedProgram.#adopt(pins, geometry)
    } catch (error) {
      if (!(error instanceof Unusable)) throw error
      pins.removeAll()
      return LoadedProgram.#make(pins, geometry, error.message)
    }
  }

  static #adopt(pins: PinDirectory, geometry: Geometry): LoadedProgram {
    checkVersion(pins.ofMap(VARIABLE))
    using pinned = openTables(name => pins.of(name))
    if (!pins.hasFormer() && !isSameGeometry(pinned.geometry, geometry))
      return LoadedProgram.#resize(pins, geometry)
    using rollback = new Rollback()
    const former = pins.hasFormer() ? rollback.own(openTables(name => pins.ofFormer(name))) : undefined
    using object = openWithout(former ? [] : [MOVER])
    for (const name of mapNames) reusePinned(object, name, pins.ofMap(name))
    tellSize(object, pinned.geometry)
    former?.announce(object)
    const loaded = rollback.own(new LoadedProgram(object.load(), { adopted: true, former }))
    loaded.#finish(pins)
    rollback.commit()
    return loaded
  }

  static #resize(pins: PinDirectory, geometry: Geometry): LoadedProgram {
    using rollback = new Rollback()
    const former = rollback.own(openTables(name => pins.of(name)))
    using object = openWithout([])
    for (const name of mapNames) if (!ofOwnSize.has(name)) reusePinned(object, name, pins.ofMap(name))
    setSize(object, geometry)
    former.announce(object)
    const loaded = rollback.own(new LoadedProgram(object.load(), { adopted: true, former }))
    rollback.add(() => pins.recover())
    for (const name of ofOwnSize) loaded.map(name).pin(pins.ofNext(name))
    pins.exchange()
    loaded.#finish(pins)
    rollback.commit()
    return loaded
  }

  static #make(pins: PinDirectory, geometry: Geometry, discarded: string | undefined): LoadedProgram {
    using rollback = new Rollback()
    using object = openWithout([MOVER])
    setSize(object, geometry)
    const loaded = rollback.own(new LoadedProgram(object.load(), { discarded }))
    loaded.mapped('settings').write(layout.settings, 0, {
      seed: newSeed(),
      layout: layout.layout.version,
      ticksPerJiffy: 0,
      rules: encodeRules(defaultRules),
      tracedUntil: 0,
      timeouts: timeoutTable(defaultTimeouts),
    })
    rollback.add(() => pins.removeAll())
    pins.create()
    for (const name of mapNames) loaded.map(name).pin(pins.ofMap(name))
    loaded.#finish(pins)
    rollback.commit()
    return loaded
  }

  get program(): Program {
    return this.#object.program('xdplb')
  }

  /** Says where a packet would go: bpf/where.h. */
  get where(): Program {
    return this.#object.program('where')
  }

  /** Moves what so many slots of the former tables hold, if there are any: bpf/move.h. */
  move(firstSlot: number, count: number): void {
    walk(this.#object.program(MOVER), firstSlot, count, layout.limit.moved)
  }

  /** Frees what has expired in so many buckets of the tables, and marks in `named` whom the others name: bpf/sweep.h. */
  sweep(firstBucket: number, count: number): void {
    walk(this.#object.program('sweep'), firstBucket, count, layout.limit.swept)
  }

  /** How large the tables are. */
  get geometry(): Geometry {
    return {
      flowBuckets: this.map('flow_words').maxEntries,
      templateBuckets: this.map('template_words').maxEntries,
      fragments: this.map('fragments').maxEntries,
    }
  }

  /** Shows the former tables to the programs; returns when whatever ran before has ended. */
  showFormer(): void {
    this.former?.show(this.#object)
  }

  /** Takes them away again, and lets go of them. */
  dropFormer(): void {
    this.former?.hide(this.#object)
    this.former?.close()
  }

  copyFragments(): void {
    this.former?.copyFragments(this.#object)
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
    this.former?.close()
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

  /**
   * The new programs stand in for the old ones: in the array of slow steps, and under the pin. Packets come to the steps
   * from then on, by way of the program that is attached, so the former tables are shown first.
   */
  #finish(pins: PinDirectory): void {
    this.showFormer()
    for (const step of slowSteps) this.#slow.update(step, this.#object.program(step).fd)
    pins.remove(pins.of('prog'))
    this.program.pin(pins.of('prog'))
  }
}

/** Two masks and two odd factors: bpf/hash.h. */
function newSeed(): bigint[] {
  const bytes = randomBytes(32)
  return [0, 8, 16, 24].map(at => bytes.readBigUInt64LE(at) | (at % 16 === 8 ? 1n : 0n))
}
