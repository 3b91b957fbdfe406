import type { Codec } from './codec.js'
import type { MapType } from './map-type.js'

/** What a map has to look like for the program that opens it; generated from the object that was compiled with it. */
export interface MapLayout {
  readonly type: MapType
  /** In bytes. */
  readonly keySize: number
  /** In bytes; of one CPU's value in a per-CPU map. */
  readonly valueSize: number
  /** As declared; a loader may have made it another number. */
  readonly maxEntries: number
  readonly key?: Codec<unknown>
  readonly value?: Codec<unknown>
}

/** Where an array is in the value of a map. */
export interface ArrayLayout {
  /** Bytes before its first element. */
  readonly offset: number
  /** Bytes from one element to the next, a multiple of eight. */
  readonly stride: number
  readonly length: number
  readonly value?: Codec<unknown>
}
