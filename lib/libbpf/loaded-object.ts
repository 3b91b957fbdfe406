import { XdplbError } from '../errors.js'
import type { BpfMap } from './map.js'
import type { Program } from './program.js'

/** The maps and programs of an object, in the kernel. */
export class LoadedObject implements Disposable {
  readonly name: string
  readonly maps: ReadonlyMap<string, BpfMap>
  readonly programs: ReadonlyMap<string, Program>

  /** Owns the maps and programs from now on. */
  constructor(name: string, maps: Iterable<BpfMap>, programs: Iterable<Program>) {
    this.name = name
    this.maps = new Map([...maps].map(map => [map.name, map]))
    this.programs = new Map([...programs].map(program => [program.name, program]))
  }

  /** Throws `NOT_FOUND` with the names that there are. */
  map(name: string): BpfMap {
    return findNamed(this.maps, name, `find map: ${this.name}`)
  }

  /** Throws `NOT_FOUND` with the names that there are. */
  program(name: string): Program {
    return findNamed(this.programs, name, `find program: ${this.name}`)
  }

  /** Closes all maps and programs. What is pinned or attached stays in the kernel. */
  close(): void {
    for (const map of this.maps.values()) map.close()
    for (const program of this.programs.values()) program.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** The one of that name. Throws `NOT_FOUND`. */
export function findNamed<T>(all: ReadonlyMap<string, T>, name: string, operation: string): T {
  const found = all.get(name)
  if (found !== undefined) return found
  throw new XdplbError('NOT_FOUND', `${operation}: "${name}", expected one of ${[...all.keys()].join(', ')}`)
}
