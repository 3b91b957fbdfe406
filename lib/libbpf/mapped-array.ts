import { XdplbError } from '../errors.js'
import { MappedMemory } from '../net/memory.js'
import type { Codec } from './codec.js'
import type { BpfMap } from './map.js'
import type { ArrayLayout } from './map-layout.js'
import { alignedSize } from './per-cpu.js'

/** BPF_F_MMAPABLE, include/uapi/linux/bpf.h; Linux 5.5 */
const MMAPABLE = 1 << 10

/**
 * An array map as memory that this process and the kernel's programs share. Reading and writing costs nanoseconds
 * instead of a system call.
 *
 * Nothing locks. A store of an aligned 8, 16, 32 or 64-bit element of a typed array is seen whole or not at all; a
 * struct that a {@link Codec} writes is seen field by field.
 */
export class MappedArray implements Disposable {
  /** In bytes, from one value to the next: the value's size rounded up to eights. */
  readonly stride: number
  /** How many values there are. */
  readonly length: number
  readonly #memory: MappedMemory
  readonly #bytes: Uint8Array<ArrayBuffer>
  readonly #view: DataView<ArrayBuffer>
  readonly #u32: Uint32Array<ArrayBuffer>
  readonly #u64: BigUint64Array<ArrayBuffer>

  private constructor(memory: MappedMemory, { offset, stride, length }: ArrayLayout) {
    const size = stride * length
    const { buffer } = memory.bytes
    this.stride = stride
    this.length = length
    this.#memory = memory
    this.#bytes = new Uint8Array(buffer, offset, size)
    this.#view = new DataView(buffer, offset, size)
    this.#u32 = new Uint32Array(buffer, offset, size / 4)
    this.#u64 = new BigUint64Array(buffer, offset, size / 8)
  }

  /** Throws `USAGE` for a map without BPF_F_MMAPABLE. */
  static of(map: BpfMap, options: { writable?: boolean } = {}): MappedArray {
    if ((map.flags & MMAPABLE) === 0) {
      throw new XdplbError(
        'USAGE',
        `map memory: ${map.name}: ${map.type}, expected an array with BPF_F_MMAPABLE`,
      )
    }
    const [stride, length] = [alignedSize(map.valueSize), map.maxEntries]
    return new MappedArray(new MappedMemory(map.fd, stride * length, options), { offset: 0, stride, length })
  }

  /** An array inside this one: of a variable, in the map of a program's variables. Closing one closes both. */
  within(layout: ArrayLayout): MappedArray {
    return new MappedArray(this.#memory, layout)
  }

  /** The memory as bytes. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#open(this.#bytes)
  }

  /** The memory as 32-bit words; value `n` begins at `n * stride / 4`. */
  get u32(): Uint32Array<ArrayBuffer> {
    return this.#open(this.#u32)
  }

  /** The memory as 64-bit words; value `n` begins at `n * stride / 8`. */
  get u64(): BigUint64Array<ArrayBuffer> {
    return this.#open(this.#u64)
  }

  read<T>(codec: Codec<T>, index: number): T {
    return codec.read(this.#open(this.#view), this.#offset(codec, index))
  }

  write<T>(codec: Codec<T>, index: number, value: T): void {
    codec.write(this.#open(this.#view), this.#offset(codec, index), value)
  }

  /** The map itself stays open. Views that were kept read zeroes from now on. */
  close(): void {
    this.#memory.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Throws `CLOSED` when the memory has been given back. */
  #open<View>(view: View): View {
    void this.#memory.bytes
    return view
  }

  #offset(codec: Codec<unknown>, index: number): number {
    if (codec.size > this.stride) {
      throw new XdplbError('USAGE', `use mapped array: value of ${codec.size} bytes, expected ${this.stride}`)
    }
    if (!Number.isInteger(index) || index < 0 || index >= this.length) {
      throw new XdplbError('USAGE', `use mapped array: index ${index}, expected 0 to ${this.length - 1}`)
    }
    return index * this.stride
  }
}
