import { XdplbError } from '../errors.js'
import { type Codec, list, writeZeros } from './codec.js'

/** In bytes: of 64 bits. */
const WORD = 8

/** What a value takes in an array or a per-CPU map: the kernel rounds up to eights. */
export function alignedSize(size: number): number {
  return Math.ceil(size / 8) * 8
}

/** The value of a per-CPU map as it is looked up and updated: one for each possible CPU. */
export function perCpu<T>(value: Codec<T>, cpus: number): Codec<readonly T[]> {
  const aligned: Codec<T> = {
    size: alignedSize(value.size),
    read: (view, at) => value.read(view, at),
    write: (view, at, one) => value.write(view, at, one),
  }
  return list(aligned, cpus)
}

/**
 * The value of a per-CPU map that is nothing but counters of 64 bits, added up over all CPUs. It adds halves: of 64
 * CPUs that takes 1 µs, where a bigint for each counter of each CPU takes 15. What is written is the first CPU's, and the
 * others get zeroes.
 *
 * Throws `USAGE` for a value that is not of whole words.
 */
export function summed<T>(value: Codec<T>, cpus: number): Codec<T> {
  const { size } = value
  if (size % WORD !== 0) {
    throw new XdplbError('USAGE', `add up values: ${size} bytes, expected a multiple of ${WORD}`)
  }
  const sum = new DataView(new ArrayBuffer(size))
  return {
    size: size * cpus,
    read: (view, at) => {
      for (let word = 0; word < size; word += WORD) addUp(view, at + word, size, cpus, sum, word)
      return value.read(sum, 0)
    },
    write: (view, at, total) => {
      value.write(view, at, total)
      writeZeros(view, at + size, size * (cpus - 1))
    },
  }
}

/** Writes the sum of a word and of those that follow it at a distance; beyond 64 bits it wraps, as each of them does. */
function addUp(
  view: DataView,
  at: number,
  stride: number,
  count: number,
  sum: DataView,
  place: number,
): void {
  let low = 0
  let high = 0
  for (let index = 0; index < count; index++) {
    low += view.getUint32(at + index * stride, true)
    high += view.getUint32(at + index * stride + 4, true)
  }
  sum.setUint32(place, low, true)
  sum.setUint32(place + 4, high + Math.floor(low / 2 ** 32), true)
}
