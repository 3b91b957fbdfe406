import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { XdplbError } from '../errors.js'
import { accessFile, errnos } from '../net/errno.js'
import { Fd } from '../net/fd.js'
import { koffi } from '../net/koffi.js'
import { libcOk, type Pointer } from '../net/libc.js'
import { withoutProfiler } from '../net/signals.js'
import { Rollback } from '../rollback.js'
import { type Btf, parseBtf, sectionVariables } from './btf.js'
import { findNamed, LoadedObject } from './loaded-object.js'
import { BpfMap } from './map.js'
import { mapTypeOf } from './map-type.js'
import { withMessages } from './messages.js'
import { libbpf } from './native.js'
import { optionSizes } from './options.js'
import { hasXdpFrags, XDP_HAS_FRAGS } from './probe.js'
import { Program } from './program.js'
import { libbpfError, libbpfOk, libbpfPointer } from './status.js'
import { lastWord } from './verifier-log.js'

/** Sections that hold global variables. */
const dataSections = ['.rodata', '.data', '.bss']

/** The most that every kernel takes (UINT_MAX >> 8): before 6.4 a log that does not fit loses its end, the verdict. */
const LOG_SIZE = 0xff_ffff

/** <fcntl.h> */
const F_DUPFD_CLOEXEC = 1030

/** What a program does not load for that the verifier had nothing against. */
const shortages = [errnos.EMFILE, errnos.ENFILE, errnos.ENOMEM]

/**
 * A compiled BPF object that is not in the kernel yet: the time to size its maps, to choose its programs and to set
 * its constants. `load()` makes something of it, once.
 */
export class BpfObject implements Disposable {
  readonly name: string
  #object: Pointer | undefined
  readonly #maps: ReadonlyMap<string, Pointer>
  readonly #programs: ReadonlyMap<string, Pointer>

  private constructor(object: Pointer, name: string) {
    const { mapName, nextMap, nextProgram, programName } = libbpf()
    this.name = name
    this.#object = object
    this.#maps = collect(object, nextMap, map => sectionName(mapName(map)))
    this.#programs = collect(object, nextProgram, programName)
  }

  /**
   * Reads an object file, or takes its bytes. Needs no privilege.
   *
   * @param options.name of the object in messages; its first characters become part of the names of the maps that
   *   hold its global variables. The file's unless given.
   */
  static open(source: string | Uint8Array, options: { name?: string } = {}): BpfObject {
    const bytes =
      typeof source === 'string' ? accessFile(`open object: ${source}`, () => readFileSync(source)) : source
    const name =
      options.name ?? (typeof source === 'string' ? basename(source).replace(/(\.bpf)?\.o$/, '') : 'object')
    const operation = `open object: ${name}`
    const opts = { sz: optionSizes.open, object_name: name }
    const { result, messages } = withMessages(() => {
      const object = libbpf().objectOpen(bytes, bytes.length, opts)
      return object ?? koffi().errno()
    })
    if (typeof result === 'number') throw libbpfError(result, operation, messages)
    return new BpfObject(result, name)
  }

  /** As declared; those that hold global variables by their section: `.rodata`, `.data`, `.bss`. */
  get mapNames(): string[] {
    return [...this.#maps.keys()]
  }

  get programNames(): string[] {
    return [...this.#programs.keys()]
  }

  /** How many entries the map is to have, instead of those declared; bytes for a ring buffer. */
  setMaxEntries(map: string, maxEntries: number): void {
    const operation = `set max entries: ${map}`
    if (!Number.isInteger(maxEntries) || maxEntries < 1 || maxEntries > 0xffff_ffff) {
      throw new XdplbError('USAGE', `${operation}: ${maxEntries}, expected 1 to ${0xffff_ffff}`)
    }
    libbpfOk(libbpf().mapSetMaxEntries(this.#map(map), maxEntries), operation)
  }

  /**
   * Takes a map that exists instead of making one: a pinned one, or that of another object. It keeps its number of
   * entries. Throws `USAGE` when it is of another type or its keys or values of another size.
   */
  reuse(map: string, existing: BpfMap): void {
    const declared = this.#map(map)
    existing.checkLayout({
      type: mapTypeOf(libbpf().mapType(declared)),
      keySize: libbpf().mapKeySize(declared),
      valueSize: libbpf().mapValueSize(declared),
    })
    libbpfOk(libbpf().mapReuse(declared, existing.fd), `reuse map: ${map}`)
  }

  /** Which maps a map of maps takes: those that are as this one is, in size too. Instead of what is declared. */
  setInnerMap(map: string, like: BpfMap): void {
    libbpfOk(libbpf().mapSetInnerMap(this.#map(map), like.fd), `set inner map: ${map}`)
  }

  /** Shall `load()` load that program? All are, but those in a section whose name begins with `?`. */
  setAutoload(program: string, autoload: boolean): void {
    libbpfOk(libbpf().programSetAutoload(this.#program(program), autoload), `set autoload: ${program}`)
  }

  /**
   * Lets all its programs, of XDP, take frames in several buffers, of which they see the first; on kernels that have
   * none, before 5.18, nothing changes. (A section `xdp.frags` does the same, but does not load there.)
   */
  withXdpFrags(): this {
    if (!hasXdpFrags()) return this
    for (const [name, program] of this.#programs) {
      const flags = libbpf().programFlags(program) | XDP_HAS_FRAGS
      libbpfOk(libbpf().programSetFlags(program, flags), `set flags: ${name}`)
    }
    return this
  }

  /** Sets what a global variable is at the start. For a `const volatile` one the verifier knows the value too. */
  setGlobal(variable: string, value: Uint8Array): void {
    const operation = `set global: ${variable}`
    const { section, offset, size } = this.#findGlobal(variable, operation)
    if (value.length !== size) {
      throw new XdplbError('USAGE', `${operation}: ${value.length} bytes, expected ${size}`)
    }
    const room = new BigUint64Array(1)
    const map = libbpfPointer(libbpf().findMap(this.#pointer, section), operation)
    const memory = libbpfPointer(libbpf().mapInitialValue(map, room), operation)
    new Uint8Array(koffi().view(memory, Number(room[0]))).set(value, offset)
  }

  /**
   * Makes the maps and loads the programs. What comes of it is the caller's to close; this object is closed.
   * Throws `VERIFIER` when a program is refused, its last word in the message and all of them in `log`; `PERMISSION`
   * without the privilege.
   */
  load(): LoadedObject {
    const object = this.#pointer
    const log = koffi().alloc('char', LOG_SIZE) as Pointer
    try {
      for (const program of this.#programs.values()) libbpf().programSetLog(program, log, LOG_SIZE)
      // the verifier gives up at a signal (EAGAIN), and libbpf after five times
      const { result, messages } = withMessages(() => withoutProfiler(() => libbpf().objectLoad(object)))
      if (result < 0) throw loadError(-result, this.name, koffi().decode.string(log), messages)
      using rollback = new Rollback()
      const loaded = new LoadedObject(this.name, this.#loadedMaps(rollback), this.#loadedPrograms(rollback))
      rollback.commit()
      return loaded
    } finally {
      this.close()
      koffi().free(log)
    }
  }

  close(): void {
    if (this.#object === undefined) return
    libbpf().objectClose(this.#object)
    this.#object = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }

  get #pointer(): Pointer {
    if (this.#object === undefined)
      throw new XdplbError('CLOSED', `object ${this.name}: used after load or close`)
    return this.#object
  }

  #map(name: string): Pointer {
    void this.#pointer
    return findNamed(this.#maps, name, `find map: ${this.name}`)
  }

  #program(name: string): Pointer {
    void this.#pointer
    return findNamed(this.#programs, name, `find program: ${this.name}`)
  }

  #findGlobal(name: string, operation: string) {
    const btf = this.#btf(operation)
    for (const section of dataSections) {
      const variable = sectionVariables(btf, section).find(variable => variable.name === name)
      if (variable) return { section, ...variable }
    }
    throw new XdplbError('NOT_FOUND', `${operation}: not in ${dataSections.join(', ')}`)
  }

  /** As libbpf has completed it: clang leaves the places of variables open. */
  #btf(operation: string): Btf {
    const size = new Uint32Array(1)
    const btf = libbpfPointer(libbpf().objectBtf(this.#pointer), operation)
    const bytes = libbpfPointer(libbpf().btfBytes(btf, size), operation)
    return parseBtf(new Uint8Array(koffi().view(bytes, size[0] ?? 0)))
  }

  #loadedMaps(rollback: Rollback): BpfMap[] {
    return [...this.#maps].map(
      ([name, map]) => new BpfMap(rollback.own(duplicate(libbpf().mapFd(map))), name),
    )
  }

  #loadedPrograms(rollback: Rollback): Program[] {
    return [...this.#programs]
      .filter(([, program]) => libbpf().programAutoload(program))
      .map(([name, program]) => new Program(rollback.own(duplicate(libbpf().programFd(program))), name))
  }
}

function collect(
  object: Pointer,
  next: (object: Pointer, previous: Pointer | null) => Pointer | null,
  nameOf: (item: Pointer) => string,
): Map<string, Pointer> {
  const items = new Map<string, Pointer>()
  for (let item = next(object, null); item !== null; item = next(object, item)) items.set(nameOf(item), item)
  return items
}

/** libbpf calls the map of a section `xdplb.rodata`: by the object's name, cut, and the section's. */
function sectionName(map: string): string {
  return /\.(rodata|data|bss)(\..*)?$/.exec(map)?.[0] ?? map
}

/** A descriptor of one's own: libbpf closes its with the object. */
function duplicate(fd: number): Fd {
  return new Fd(libcOk(libbpf().fcntl(fd, F_DUPFD_CLOEXEC, 0), 'duplicate descriptor'))
}

function loadError(errno: number, object: string, log: string, messages: readonly string[]): XdplbError {
  const operation = `load object: ${object}`
  const refused = messages
    .map(message => /^prog '(.+)': BPF program load failed/.exec(message)?.[1])
    .find(Boolean)
  if (refused === undefined || log === '' || shortages.includes(errno))
    return libbpfError(errno, operation, messages)
  const message = `${operation}: program "${refused}": ${lastWord(log)}`
  return new XdplbError('VERIFIER', message, { errno, operation, log })
}
