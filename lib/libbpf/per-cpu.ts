import { type Codec, list } from './codec.js'

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
