import { fileURLToPath } from 'node:url'
import { XdplbError } from '../errors.js'
import { BpfMap, BpfObject, encode, u32 } from '../libbpf/index.js'
import { FormerTables, showsFormer } from './former-tables.js'
import { type Geometry, tableSizes } from './geometry.js'
import * as layout from './layout.gen.js'

/** In the package it stands where it stands among the sources: `bpf/` beside `lib/`. */
const OBJECT = fileURLToPath(new URL('../../bpf/xdplb.bpf.o', import.meta.url))

/** Those that the program declares, and `.bss`, which libbpf makes of its one variable: {@link TableName}. */
export type MapName = keyof typeof layout.mapLayouts | typeof VARIABLE

/** The members of the variable. */
export type TableName = keyof typeof layout.tablesLayout

/** The map that libbpf makes of the program's one variable. */
export const VARIABLE = '.bss'

/** The maps that are pinned and adopted. */
export const mapNames = [...Object.keys(layout.mapLayouts), VARIABLE]
  .filter(isMapName)
  .filter(name => !showsFormer(name))

/** The programs behind a tail call: each is called as its step is. */
export const slowSteps = Object.keys(layout.slowStep).filter(isSlowStep)

/** The program that moves what former tables hold. */
export const MOVER = 'move'

/** The maps that a program with tables of another size does not share with the one before: its tables, and its steps. */
export const ofOwnSize: ReadonlySet<MapName> = new Set([
  'flow_words',
  'flows',
  'template_words',
  'templates',
  'fragments',
  'slow',
])

/** The object, without some of its programs. */
export function openWithout(programs: readonly string[]): BpfObject {
  const object = BpfObject.open(OBJECT).withXdpFrags()
  for (const program of programs) object.setAutoload(program, false)
  return object
}

/** What a former process had left is of another version, or not all there. */
export class Unusable extends Error {}

/** Makes what was pinned of use, or throws that it is of none. */
function makeUse<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (!(error instanceof XdplbError) || (error.code !== 'USAGE' && error.code !== 'NOT_FOUND')) throw error
    throw new Unusable(error.message, { cause: error })
  }
}

/** The map that is pinned there instead of a new one. */
export function reusePinned(object: BpfObject, name: MapName, path: string): void {
  makeUse(() => {
    using map = BpfMap.openPinned(path)
    object.reuse(name, map)
  })
}

/** The tables that are pinned there. */
export function openTables(path: (name: string) => string): FormerTables {
  return makeUse(() => FormerTables.open(path))
}

/** Of the pinned `.bss`: it says by which version of bpf/types.h everything was written. */
export function checkVersion(path: string): void {
  makeUse(() => {
    using map = BpfMap.openPinned(path)
    using variable = map.mapped()
    const { layout: version } = variable.within(layout.tablesLayout.settings).read(layout.settings, 0)
    if (version === layout.layout.version) return
    throw new XdplbError('USAGE', `layout version ${version}, expected ${layout.layout.version}`)
  })
}

/** Makes the tables as large as that. */
export function setSize(object: BpfObject, geometry: Geometry): void {
  for (const [name, entries] of Object.entries(tableSizes(geometry))) object.setMaxEntries(name, entries)
  tellSize(object, geometry)
}

/** The programs are to know how large their tables are. */
export function tellSize(object: BpfObject, { flowBuckets, templateBuckets }: Geometry): void {
  object.setGlobal('flow_mask', encode(u32, flowBuckets - 1))
  object.setGlobal('template_mask', encode(u32, templateBuckets - 1))
}

function isSlowStep(name: string): name is layout.SlowStep {
  return name in layout.slowStep
}

export function isMapName(name: string): name is MapName {
  return name in layout.mapLayouts || name === VARIABLE
}
