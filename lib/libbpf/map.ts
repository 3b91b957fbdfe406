import { XdplbError } from '../errors.js'
import { errnos } from '../net/errno.js'
import type { Fd } from '../net/fd.js'
import type { Codec } from './codec.js'
import { possibleCpus } from './cpus.js'
import { mapInfo } from './info.js'
import type { MapLayout } from './map-layout.js'
import { type MapType, mapTypeOf } from './map-type.js'
import { MappedArray } from './mapped-array.js'
import { libbpf } from './native.js'
import { alignedSize, perCpu, summed } from './per-cpu.js'
import { openPin, pin } from './pin.js'
import { libbpfOk } from './status.js'
import { TypedMap } from './typed-map.js'

/** Whether the key of an update may exist (`replace`: must) or not (`create`: must not). */
export type UpdateMode = 'any' | 'create' | 'replace'

/** BPF_ANY, BPF_NOEXIST, BPF_EXIST */
const updateFlags = { any: 0, create: 1, replace: 2 } as const satisfies Record<UpdateMode, number>

/** The kernel reads and writes descriptors or ids, four bytes, where such a map's values are kernel objects. */
const objectTypes: readonly MapType[] = [
  'prog_array',
  'perf_event_array',
  'cgroup_array',
  'array_of_maps',
  'hash_of_maps',
]

/**
 * A map in the kernel, as bytes. {@link BpfMap.typed} gives it keys and values of one's own.
 *
 * The kernel reads and writes as many bytes as the map was made with, whatever it is given; so sizes are checked
 * here before each call (`USAGE`). Errors of the kernel are `SYSCALL` with their `errno`, and its sisters.
 */
export class BpfMap implements Disposable {
  readonly #fd: Fd
  readonly name: string
  readonly id: number
  readonly type: MapType
  /** In bytes. */
  readonly keySize: number
  /** In bytes, as declared. */
  readonly valueSize: number
  /** In bytes, as looked up and updated: every CPU's in a per-CPU map, rounded up to eights. */
  readonly transferSize: number
  readonly maxEntries: number
  /** `BPF_F_*` */
  readonly flags: number

  /**
   * @param fd closed by the map from now on
   * @param name in full; the kernel keeps 15 characters of it only
   */
  constructor(fd: Fd, name?: string) {
    const info = mapInfo(fd.n)
    this.#fd = fd
    this.name = name ?? info.name
    this.id = info.id
    this.type = mapTypeOf(info.type)
    this.keySize = info.keySize
    this.valueSize = info.valueSize
    this.maxEntries = info.maxEntries
    this.flags = info.flags
    this.transferSize = this.#transferSize()
  }

  /** The map that is pinned there. Throws `NOT_FOUND`, or `USAGE` when it is not a map. */
  static openPinned(path: string): BpfMap {
    return new BpfMap(openPin('map', path))
  }

  /** The descriptor's number, to ask for at each use. Throws `CLOSED` after `close()`. */
  get fd(): number {
    return this.#fd.n
  }

  /**
   * The value of a key; undefined when the map has none.
   *
   * @param value where to put it; a new buffer unless given
   */
  lookup(key: Uint8Array, value: Uint8Array = Buffer.alloc(this.transferSize)): Uint8Array | undefined {
    this.#check('key', key, this.keySize)
    this.#check('value', value, this.transferSize)
    const rc = libbpf().lookup(this.fd, key, value)
    if (rc === -errnos.ENOENT) return undefined
    libbpfOk(rc, `look up in map: ${this.name}`)
    return value
  }

  /** Throws `SYSCALL` with E2BIG when the map is full, EEXIST or ENOENT (`NOT_FOUND`) when the mode forbids. */
  update(key: Uint8Array, value: Uint8Array, mode: UpdateMode = 'any'): void {
    this.#check('key', key, this.keySize)
    this.#check('value', value, this.transferSize)
    libbpfOk(libbpf().update(this.fd, key, value, updateFlags[mode]), `update map: ${this.name}`)
  }

  /** Was it there? */
  delete(key: Uint8Array): boolean {
    this.#check('key', key, this.keySize)
    const rc = libbpf().delete(this.fd, key)
    if (rc === -errnos.ENOENT) return false
    libbpfOk(rc, `delete from map: ${this.name}`)
    return true
  }

  /** The key behind this one, in the map's own order; the first for a key that it does not have. */
  nextKey(key: Uint8Array | undefined): Buffer | undefined {
    if (key !== undefined) this.#check('key', key, this.keySize)
    const next = Buffer.alloc(this.keySize)
    const rc = libbpf().nextKey(this.fd, key ?? null, next)
    if (rc === -errnos.ENOENT) return undefined
    libbpfOk(rc, `iterate over map: ${this.name}`)
    return next
  }

  /** The same map with keys and values of these types. Throws `USAGE` when their sizes are not the map's. */
  typed<K, V>(codecs: { key: Codec<K>; value: Codec<V> }): TypedMap<K, V> {
    return new TypedMap(this, codecs.key, codecs.value)
  }

  /** The same per-CPU map with values of this type, one for each possible CPU. */
  perCpu<K, V>(codecs: { key: Codec<K>; value: Codec<V> }): TypedMap<K, readonly V[]> {
    this.#expect('value size', this.valueSize, codecs.value.size)
    return new TypedMap(this, codecs.key, perCpu(codecs.value, possibleCpus()))
  }

  /** The same per-CPU map, whose values are nothing but counters of 64 bits: their sums over all CPUs. */
  summed<K, V>(codecs: { key: Codec<K>; value: Codec<V> }): TypedMap<K, V> {
    this.#expect('value size', this.valueSize, codecs.value.size)
    return new TypedMap(this, codecs.key, summed(codecs.value, possibleCpus()))
  }

  /** The values of an array with BPF_F_MMAPABLE as memory: read and written without a system call. */
  mapped(options: { writable?: boolean } = {}): MappedArray {
    return MappedArray.of(this, options)
  }

  /** Throws `USAGE` when the map is not what the program was compiled with: pinned by another version, for one. */
  checkLayout(layout: Pick<MapLayout, 'type' | 'keySize' | 'valueSize'>): void {
    this.#expect('type', this.type, layout.type)
    this.#expect('key size', this.keySize, layout.keySize)
    this.#expect('value size', this.valueSize, layout.valueSize)
  }

  /** Gives it a name in a BPF file system, where it outlives this process. */
  pin(path: string): void {
    pin(this.fd, 'map', path)
  }

  /** Gives the descriptor back. The map lives on while it is pinned, or a loaded program uses it. */
  close(): void {
    this.#fd.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #transferSize(): number {
    if (objectTypes.includes(this.type)) return 4
    return this.type.includes('percpu') ? alignedSize(this.valueSize) * possibleCpus() : this.valueSize
  }

  #check(what: string, bytes: Uint8Array, size: number): void {
    if (bytes.length === size) return
    throw new XdplbError('USAGE', `use map: ${this.name}: ${what} of ${bytes.length} bytes, expected ${size}`)
  }

  #expect(what: string, found: string | number, wanted: string | number): void {
    if (found === wanted) return
    throw new XdplbError('USAGE', `open map: ${this.name}: ${what} ${found}, expected ${wanted}`)
  }
}
