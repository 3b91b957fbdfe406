import type { Codec, MappedArray } from '../libbpf/index.js'

/** The values of a mapped array, all of one type. */
export class StructArray<T> {
  readonly #array: MappedArray
  readonly #codec: Codec<T>

  constructor(array: MappedArray, codec: Codec<T>) {
    this.#array = array
    this.#codec = codec
  }

  get length(): number {
    return this.#array.length
  }

  read(index: number): T {
    return this.#array.read(this.#codec, index)
  }

  /** The indices of values that are not all zeros, found without decoding any: of thousands most are. */
  *used(): Generator<number> {
    const { u32, stride, length } = this.#array
    const words = stride / 4
    for (let index = 0; index < length; index++) {
      const first = index * words
      for (let word = first; word < first + words; word++) {
        if (u32[word] === 0) continue
        yield index
        break
      }
    }
  }

  /**
   * A program may see a part of it, and of a field a part of its bytes: what must change at once is stored through a
   * typed array.
   */
  write(index: number, value: T): void {
    this.#array.write(this.#codec, index, value)
  }

  /** Writes some of the fields; the others keep what they hold. */
  update(index: number, fields: Partial<T>): void {
    this.write(index, { ...this.read(index), ...fields })
  }
}
