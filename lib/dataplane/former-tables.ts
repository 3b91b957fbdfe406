import { XdplbError } from '../errors.js'
import { BpfMap, type BpfObject, encode, type LoadedObject, u32 } from '../libbpf/index.js'
import type { Geometry } from './geometry.js'
import { mapLayouts } from './layout.gen.js'

/** Which of the program's maps of maps each is shown in: bpf/former-tables.h. */
const places = {
  flow_words: 'former_flow_words',
  flows: 'former_flows',
  template_words: 'former_template_words',
  templates: 'former_templates',
} as const

type MovedMap = keyof typeof places

const movedMaps = Object.keys(places).filter((name): name is MovedMap => name in places)

/** Maps that a program is not given, but makes: they show former tables, and hold nothing of their own. */
export function showsFormer(map: string): boolean {
  return Object.values(places).some(place => place === map)
}

/** The tables of a former process that are of another size, as long as there is something in them. */
export class FormerTables implements Disposable {
  readonly #maps: ReadonlyMap<string, BpfMap>

  private constructor(maps: ReadonlyMap<string, BpfMap>) {
    this.#maps = maps
  }

  /**
   * The tables that are pinned. Throws `NOT_FOUND`, or `USAGE` where they are of another layout.
   *
   * @param path where each is
   */
  static open(path: (name: string) => string): FormerTables {
    const maps = new Map<string, BpfMap>()
    const tables = new FormerTables(maps)
    try {
      for (const name of [...movedMaps, 'fragments'] as const) {
        const map = BpfMap.openPinned(path(name))
        maps.set(name, map)
        map.checkLayout(mapLayouts[name])
      }
      return tables
    } catch (error) {
      tables.close()
      throw error
    }
  }

  get geometry(): Geometry {
    return {
      flowBuckets: this.map('flow_words').maxEntries,
      templateBuckets: this.map('template_words').maxEntries,
      fragments: this.map('fragments').maxEntries,
    }
  }

  /** How many there are in the longer one of the tables. */
  get slots(): number {
    return Math.max(this.map('flows').maxEntries, this.map('templates').maxEntries)
  }

  map(name: MovedMap | 'fragments'): BpfMap {
    const map = this.#maps.get(name)
    if (map === undefined) throw new XdplbError('CLOSED', `former table: ${name}: used after close`)
    return map
  }

  /** Makes an object ready for them, before it is loaded. */
  announce(object: BpfObject): void {
    const { flowBuckets, templateBuckets } = this.geometry
    object.setGlobal('former_flow_mask', encode(u32, flowBuckets - 1))
    object.setGlobal('former_template_mask', encode(u32, templateBuckets - 1))
    for (const name of movedMaps) object.setInnerMap(places[name], this.map(name))
  }

  /**
   * Shows them to its programs. The kernel returns from this when whatever ran before has ended (synchronize_rcu() in
   * maybe_wait_bpf_programs() of kernel/bpf/syscall.c).
   */
  show(loaded: LoadedObject): void {
    for (const name of movedMaps) placeIn(loaded, name).update(0, this.map(name).fd)
  }

  /** Takes them away again: with their last pin and descriptor goes their memory. */
  hide(loaded: LoadedObject): void {
    for (const name of movedMaps) placeIn(loaded, name).delete(0)
  }

  /** Follows the fragments of datagrams whose first one the former program has seen. */
  copyFragments(loaded: LoadedObject): void {
    const { key, value } = mapLayouts.fragments
    const present = loaded.map('fragments').typed({ key, value })
    for (const [datagram, fragment] of this.map('fragments').typed({ key, value })) {
      if (present.lookup(datagram) === undefined) present.update(datagram, fragment)
    }
  }

  close(): void {
    for (const map of this.#maps.values()) map.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function placeIn(loaded: LoadedObject, name: MovedMap) {
  return loaded.map(places[name]).typed({ key: u32, value: u32 })
}
