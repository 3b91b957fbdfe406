import { XdplbError } from '../errors.js'
import { errnos } from '../net/errno.js'
import type { BpfMap } from './map.js'
import { libbpf } from './native.js'
import { libbpfOk } from './status.js'

/** Some entries of a map, one key and one value behind the other. */
export interface Batch {
  keys: Uint8Array
  values: Uint8Array
  count: number
}

const BATCH_BYTES = 1 << 18

/** ENOTSUPP, include/linux/errno.h: what the kernel says of map types without batches. */
const ENOTSUPP = 524

/** How many entries of a map to move at once. */
export function batchLength(map: BpfMap): number {
  const fitting = Math.floor(BATCH_BYTES / (map.keySize + map.transferSize))
  return Math.max(1, Math.min(map.maxEntries, fitting))
}

/**
 * All entries, in batches whose buffers are valid until the next one. What is added or deleted meanwhile may be in
 * them or not. Map types without batches in the kernel are read key by key.
 *
 * @param length of a batch, to begin with
 */
export function* readBatches(map: BpfMap, length = batchLength(map)): Generator<Batch> {
  const cursor = Buffer.alloc(Math.max(map.keySize, 8))
  const count = new Uint32Array(1)
  let batch = allocate(map, length)
  for (let from: Buffer | null = null; ; ) {
    count[0] = length
    const rc = libbpf().lookupBatch(map.fd, from, cursor, batch.keys, batch.values, count, null)
    if (rc === -ENOTSUPP) return yield* readSingly(map)
    if (rc === -errnos.ENOSPC) {
      // one bucket of the hash has more entries than the batch; nothing was read
      length *= 2
      batch = allocate(map, length)
      continue
    }
    if (rc !== -errnos.ENOENT) libbpfOk(rc, `read map: ${map.name}`)
    batch.count = count[0] ?? 0
    if (batch.count > 0) yield batch
    if (rc === -errnos.ENOENT) return
    from = cursor
  }
}

/**
 * The values of an array from an index on, as many as are asked for and are there, in batches whose buffers are valid
 * until the next one. Before Linux 5.13 the kernel has no batches of per-CPU arrays: they are read one by one. Throws
 * `USAGE` for another type of map.
 */
export function* readRange(map: BpfMap, first: number, count: number): Generator<Batch> {
  if (!map.type.endsWith('array')) {
    throw new XdplbError('USAGE', `read map: ${map.name}: ${map.type}, expected an array`)
  }
  const end = Math.max(first, Math.min(first + count, map.maxEntries))
  const batch = allocate(map, Math.min(end - first, batchLength(map)))
  const cursor = Buffer.alloc(4)
  const done = new Uint32Array(1)
  for (let index = first; index < end; index += batch.count) {
    // It goes on behind the index it is given, and behind one that there is not it begins anew: generic_map_lookup_batch()
    // of kernel/bpf/syscall.c, array_map_get_next_key() of arraymap.c.
    cursor.writeInt32LE(index - 1)
    done[0] = Math.min(batch.values.length / map.transferSize, end - index)
    const rc = libbpf().lookupBatch(map.fd, cursor, cursor, batch.keys, batch.values, done, null)
    if (rc === -ENOTSUPP) return yield* readRangeSingly(map, index, end)
    libbpfOk(rc, `read map: ${map.name}`)
    batch.count = done[0]
    yield batch
  }
}

/** Writes entries, whether their keys exist or not. On an error the first ones may have been written. */
export function updateBatch(map: BpfMap, { keys, values, count }: Batch): void {
  check(map, keys, count * map.keySize)
  check(map, values, count * map.transferSize)
  const rc = libbpf().updateBatch(map.fd, keys, values, Uint32Array.of(count), null)
  if (rc !== -ENOTSUPP) {
    libbpfOk(rc, `update map: ${map.name}`)
    return
  }
  for (let index = 0; index < count; index++) {
    map.update(part(keys, index, map.keySize), part(values, index, map.transferSize))
  }
}

/** How many of the keys were there. */
export function deleteBatch(map: BpfMap, keys: Uint8Array, count: number): number {
  check(map, keys, count * map.keySize)
  const done = new Uint32Array(1)
  let deleted = 0
  for (let index = 0; index < count; index++) {
    done[0] = count - index
    const rest = keys.subarray(index * map.keySize)
    const rc = libbpf().deleteBatch(map.fd, rest, done, null)
    if (rc === -ENOTSUPP) return deleteSingly(map, keys, count)
    if (rc !== -errnos.ENOENT) libbpfOk(rc, `delete from map: ${map.name}`)
    // the kernel stops at a key that is not there
    deleted += done[0]
    index += done[0]
  }
  return deleted
}

function* readSingly(map: BpfMap): Generator<Batch> {
  let key = map.nextKey(undefined)
  // a key that vanishes sends the kernel back to the first one
  for (let steps = 0; key !== undefined && steps < map.maxEntries; steps++) {
    const value = map.lookup(key)
    if (value !== undefined) yield { keys: key, values: value, count: 1 }
    key = map.nextKey(key)
  }
}

function* readRangeSingly(map: BpfMap, first: number, end: number): Generator<Batch> {
  const keys = Buffer.alloc(4)
  for (let index = first; index < end; index++) {
    keys.writeUInt32LE(index)
    yield { keys, values: map.lookup(keys) ?? Buffer.alloc(map.transferSize), count: 1 }
  }
}

function deleteSingly(map: BpfMap, keys: Uint8Array, count: number): number {
  let deleted = 0
  for (let index = 0; index < count; index++) if (map.delete(part(keys, index, map.keySize))) deleted++
  return deleted
}

function allocate(map: BpfMap, length: number): Batch {
  return {
    keys: Buffer.alloc(length * map.keySize),
    values: Buffer.alloc(length * map.transferSize),
    count: 0,
  }
}

function part(bytes: Uint8Array, index: number, size: number): Uint8Array {
  return bytes.subarray(index * size, (index + 1) * size)
}

function check(map: BpfMap, bytes: Uint8Array, size: number): void {
  if (bytes.length >= size) return
  throw new XdplbError('USAGE', `use map: ${map.name}: batch of ${bytes.length} bytes, expected ${size}`)
}
