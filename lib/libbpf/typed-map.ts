import { XdplbError } from '../errors.js'
import type { Codec } from './codec.js'
import type { BpfMap, UpdateMode } from './map.js'
import { batchLength, deleteBatch, readBatches, readRange, updateBatch } from './map-batch.js'

/** A map whose keys and values are not bytes but what they stand for. It owns nothing: close its map. */
export class TypedMap<K, V> implements Iterable<[K, V]> {
  readonly map: BpfMap
  readonly #key: Codec<K>
  readonly #value: Codec<V>
  // reused by every call: the kernel copies before the call returns
  readonly #keyView: DataView<ArrayBuffer>
  readonly #valueView: DataView<ArrayBuffer>
  readonly #keyBytes: Uint8Array
  readonly #valueBytes: Uint8Array

  constructor(map: BpfMap, key: Codec<K>, value: Codec<V>) {
    checkSize(map, 'key', map.keySize, key.size)
    checkSize(map, 'value', map.transferSize, value.size)
    this.map = map
    this.#key = key
    this.#value = value
    this.#keyView = new DataView(new ArrayBuffer(key.size))
    this.#valueView = new DataView(new ArrayBuffer(value.size))
    this.#keyBytes = new Uint8Array(this.#keyView.buffer)
    this.#valueBytes = new Uint8Array(this.#valueView.buffer)
  }

  /** The value of a key; undefined when the map has none. */
  lookup(key: K): V | undefined {
    this.#key.write(this.#keyView, 0, key)
    const found = this.map.lookup(this.#keyBytes, this.#valueBytes)
    return found && this.#value.read(this.#valueView, 0)
  }

  /** See {@link BpfMap.update}. */
  update(key: K, value: V, mode: UpdateMode = 'any'): void {
    this.#key.write(this.#keyView, 0, key)
    this.#value.write(this.#valueView, 0, value)
    this.map.update(this.#keyBytes, this.#valueBytes, mode)
  }

  /** Was it there? */
  delete(key: K): boolean {
    this.#key.write(this.#keyView, 0, key)
    return this.map.delete(this.#keyBytes)
  }

  /** All entries, thousands with one system call. What changes meanwhile may be in them or not. */
  *[Symbol.iterator](): Generator<[K, V]> {
    for (const { keys, values, count } of readBatches(this.map)) {
      const keyView = viewOf(keys)
      const valueView = viewOf(values)
      for (let index = 0; index < count; index++) {
        const key = this.#key.read(keyView, index * this.#key.size)
        yield [key, this.#value.read(valueView, index * this.#value.size)]
      }
    }
  }

  /** The values of an array from an index on, `count` of them at most, thousands with one system call. Throws `USAGE` for other maps. */
  *range(first: number, count: number): Generator<V> {
    for (const { values, count: some } of readRange(this.map, first, count)) {
      const view = viewOf(values)
      for (let index = 0; index < some; index++) yield this.#value.read(view, index * this.#value.size)
    }
  }

  /** Writes many entries, thousands with one system call. On an error the first ones may have been written. */
  updateAll(entries: Iterable<readonly [K, V]>): void {
    const length = batchLength(this.map)
    const batch = {
      keys: new Uint8Array(length * this.#key.size),
      values: new Uint8Array(length * this.#value.size),
      count: 0,
    }
    const keyView = viewOf(batch.keys)
    const valueView = viewOf(batch.values)
    for (const [key, value] of entries) {
      this.#key.write(keyView, batch.count * this.#key.size, key)
      this.#value.write(valueView, batch.count * this.#value.size, value)
      batch.count++
      if (batch.count < length) continue
      updateBatch(this.map, batch)
      batch.count = 0
    }
    if (batch.count > 0) updateBatch(this.map, batch)
  }

  /** Deletes many keys; returns how many of them were there. */
  deleteAll(keys: Iterable<K>): number {
    const all = [...keys]
    const bytes = new Uint8Array(all.length * this.#key.size)
    const view = viewOf(bytes)
    for (const [index, key] of all.entries()) this.#key.write(view, index * this.#key.size, key)
    return deleteBatch(this.map, bytes, all.length)
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function checkSize(map: BpfMap, what: string, found: number, wanted: number): void {
  if (found === wanted) return
  throw new XdplbError('USAGE', `open map: ${map.name}: ${what} of ${found} bytes, expected ${wanted}`)
}
