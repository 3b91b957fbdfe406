import t from 'tap'
import { type BpfMap, encode, list, possibleCpus, u16, u32, u64 } from '../../lib/libbpf/index.js'
import { readBatches } from '../../lib/libbpf/map-batch.js'
import { errnos } from '../../lib/net/errno.js'
import {
  type AddressKey,
  addressKey,
  type Counter,
  counter,
  loadKinds,
  openKinds,
  packet,
  skip,
  sorted,
} from './kernel.js'

const key = (port: number): AddressKey => ({ address: 0x0a00_0001, port })
const value = (packets: number): Counter => ({ packets: BigInt(packets), lastSize: packets % 1500 })
const entries = (count: number) =>
  Array.from({ length: count }, (_, port): [AddressKey, Counter] => [key(port), value(port)])

t.test('a map', { skip }, async t => {
  const object = loadKinds(t)

  t.test('says what it is', async t => {
    const { name, type, keySize, valueSize, maxEntries, flags, id } = object.map('hash')
    t.strictSame(
      { name, type, keySize, valueSize, maxEntries, flags },
      {
        name: 'hash',
        type: 'hash',
        keySize: 8,
        valueSize: 16,
        maxEntries: 1000,
        flags: 0,
      },
    )
    t.ok(id > 0)
  })

  t.test('is looked up, updated and deleted from as bytes', async t => {
    const map = object.map('hash')
    const bytes = encode(addressKey, key(80))
    t.equal(map.lookup(bytes), undefined)
    map.update(bytes, encode(counter, value(7)))
    t.strictSame([...(map.lookup(bytes) ?? [])], [...encode(counter, value(7))])
    const target = new Uint8Array(16)
    t.equal(map.lookup(bytes, target), target, 'into a buffer of the caller')
    t.strictSame([...target], [...encode(counter, value(7))])
    t.ok(map.delete(bytes))
    t.notOk(map.delete(bytes), 'it was gone already')
  })

  t.test('refuses bytes of another size, which the kernel would read or write beyond', async t => {
    const map = object.map('hash')
    const refused = (call: () => unknown, message: RegExp) => t.throws(call, { code: 'USAGE', message })
    refused(() => map.lookup(new Uint8Array(7)), /hash: key of 7 bytes, expected 8/)
    refused(() => map.lookup(new Uint8Array(8), new Uint8Array(15)), /value of 15 bytes, expected 16/)
    refused(() => map.update(new Uint8Array(8), new Uint8Array(17)), /value of 17 bytes, expected 16/)
    refused(() => map.delete(new Uint8Array(9)), /key of 9 bytes/)
    refused(() => map.nextKey(new Uint8Array(0)), /key of 0 bytes/)
    refused(() => object.map('percpu_hash').lookup(new Uint8Array(8), new Uint8Array(4)), /expected \d+/)
    refused(() => map.typed({ key: u32, value: counter }), /key of 8 bytes, expected 4/)
    refused(() => map.typed({ key: addressKey, value: u64 }), /value of 16 bytes, expected 8/)
    refused(() => object.map('percpu_array').typed({ key: u32, value: counter }), /expected 16/)
    refused(() => object.map('percpu_array').perCpu({ key: u32, value: u64 }), /value size 16, expected 8/)
  })

  t.test('keeps to the mode of an update', async t => {
    const map = object.map('hash').typed({ key: addressKey, value: counter })
    t.throws(() => map.update(key(1), value(1), 'replace'), { code: 'NOT_FOUND', errno: errnos.ENOENT })
    map.update(key(1), value(1), 'create')
    t.throws(() => map.update(key(1), value(2), 'create'), {
      errno: errnos.EEXIST,
      message: 'update map: hash: EEXIST',
    })
    map.update(key(1), value(3), 'replace')
    t.strictSame(map.lookup(key(1)), value(3))
    map.delete(key(1))
  })

  t.test('says when it is full', async t => {
    const map = object.map('percpu_hash').perCpu({ key: addressKey, value: u32 })
    const cpus = Array.from({ length: possibleCpus() }, () => 0)
    for (let port = 0; port < 8; port++) map.update(key(port), cpus)
    t.throws(() => map.update(key(8), cpus), { code: 'SYSCALL', errno: errnos.E2BIG })
    t.equal(map.deleteAll([...map].map(([key]) => key)), 8)
  })

  t.test('of the wrong layout is found when it is opened', async t => {
    const map = object.map('hash')
    map.checkLayout({ type: 'hash', keySize: 8, valueSize: 16 })
    const refused = (layout: Parameters<BpfMap['checkLayout']>[0], message: RegExp) =>
      t.throws(() => map.checkLayout(layout), { code: 'USAGE', message })
    refused({ type: 'lru_hash', keySize: 8, valueSize: 16 }, /hash: type hash, expected lru_hash/)
    refused({ type: 'hash', keySize: 4, valueSize: 16 }, /key size 8, expected 4/)
    refused({ type: 'hash', keySize: 8, valueSize: 24 }, /value size 16, expected 24/)
  })

  t.test('of each kind takes and gives typed values', async t => {
    const hashes = ['hash', 'lru']
    for (const name of hashes) {
      const map = object.map(name).typed({ key: addressKey, value: counter })
      map.update(key(443), value(5))
      t.strictSame([...map], [[key(443), value(5)]], name)
      t.ok(map.delete(key(443)))
    }
    const array = object.map('array').typed({ key: u32, value: counter })
    array.update(7, value(9))
    t.strictSame([...array].at(7), [7, value(9)])
    t.equal(array.lookup(8), undefined, 'beyond the end of an array')
    const slots = object.map('slots').typed({ key: u32, value: u16 })
    slots.update(4, 0xabcd)
    t.equal(slots.lookup(4), 0xabcd)
    const steps = object.map('steps').typed({ key: u32, value: u32 })
    steps.update(1, object.program('count').fd)
    t.equal(object.program('chain').testRun({ data: packet }).retval, 2, 'the tail call went there')
    t.equal(steps.lookup(1), object.program('count').id, 'read back as an id')
  })

  t.test('per CPU has a value for each possible CPU', async t => {
    const map = object.map('percpu_hash').perCpu({ key: addressKey, value: u32 })
    const values = Array.from({ length: possibleCpus() }, (_, cpu) => cpu + 1)
    map.update(key(53), values)
    t.strictSame(map.lookup(key(53)), values)
    t.strictSame([...map], [[key(53), values]])
    map.delete(key(53))
    t.throws(() => map.update(key(53), [1, 2, 3, ...values]), { code: 'USAGE' })
  })

  t.test('per CPU counts where the program ran', async t => {
    const map = object.map('percpu_array').perCpu({ key: u32, value: counter })
    const total = () => map.lookup(0)?.reduce((sum, { packets }) => sum + packets, 0n) ?? 0n
    const before = total()
    object.program('count').testRun({ data: packet, repeat: 10 })
    t.equal(total() - before, 10n)
  })

  t.test('per CPU of counters is read as their sums', async t => {
    const pair = list(u64, 2)
    const each = object.map('percpu_array').perCpu({ key: u32, value: pair })
    const map = object.map('percpu_array').summed({ key: u32, value: pair })
    const others = BigInt(possibleCpus() - 1)
    each.update(2, [[0xffff_ffffn, 2n ** 53n], ...Array.from({ length: possibleCpus() - 1 }, () => [1n, 2n])])
    t.strictSame(map.lookup(2), [0xffff_ffffn + others, 2n ** 53n + 2n * others], 'halves carry')
    each.update(2, [[2n ** 64n - 1n, 0n], ...Array.from({ length: possibleCpus() - 1 }, () => [1n, 0n])])
    t.strictSame(map.lookup(2), [(2n ** 64n - 1n + others) % 2n ** 64n, 0n], 'they wrap')
    map.update(2, [5n, 6n])
    t.strictSame(map.lookup(2), [5n, 6n], 'written once, not for each CPU')
    t.strictSame([...map].at(2), [2, [5n, 6n]])
    t.strictSame(each.lookup(2)?.[0], [5n, 6n])
    const refused = (call: () => unknown, message: RegExp) => t.throws(call, { code: 'USAGE', message })
    refused(() => map.map.summed({ key: u32, value: u64 }), /value size 16, expected 8/)
    refused(
      () => object.map('percpu_hash').summed({ key: addressKey, value: u32 }),
      /4 bytes, expected a mul/,
    )
  })

  t.test('is read and written in batches', async t => {
    const map = object.map('hash').typed({ key: addressKey, value: counter })
    map.updateAll(entries(1000))
    t.strictSame(
      sorted(map, key => key.port),
      entries(1000),
    )
    t.equal(
      map.deleteAll([key(2000), key(0), key(3000), key(3001), key(999), key(4000)]),
      2,
      'of those that were there',
    )
    t.equal([...map].length, 998)
    t.equal(map.deleteAll(entries(1000).map(([key]) => key)), 998)
    t.strictSame([...map], [])
    t.equal(map.deleteAll([]), 0)
  })

  t.test('is written whole by several batches', async t => {
    const larger = openKinds()
    larger.setMaxEntries('hash', 30_000)
    using loaded = larger.load()
    const map = loaded.map('hash').typed({ key: addressKey, value: counter })
    map.updateAll(entries(30_000))
    t.equal([...map].length, 30_000)
    t.strictSame(map.lookup(key(29_999)), value(29_999))
  })

  t.test('is read whole by batches that are too small for it', async t => {
    const counts = (name: string, length: number) =>
      Array.from(readBatches(object.map(name), length), ({ count }) => count)
    t.strictSame(counts('array', 3), [3, 3, 2])
    t.strictSame(counts('array', 4), [4, 4])
    object.map('hash').typed({ key: addressKey, value: counter }).updateAll(entries(1000))
    const few = counts('hash', 1)
    t.ok(few.length > 1, 'several batches, and longer ones where one bucket holds more')
    t.equal(
      few.reduce((sum, count) => sum + count, 0),
      1000,
    )
  })

  t.test('without batches in the kernel is read and written entry by entry', async t => {
    const map = object.map('steps').typed({ key: u32, value: u32 })
    const { fd, id } = object.program('grow')
    map.updateAll([
      [0, fd],
      [1, fd],
    ])
    t.strictSame(
      [...map],
      [
        [0, id],
        [1, id],
      ],
    )
    t.equal(map.deleteAll([1]), 1)
    t.strictSame([...map], [[0, id]])
  })

  t.test('that is an array is read from one index to another', async t => {
    const array = object.map('array').typed({ key: u32, value: counter })
    array.updateAll(Array.from({ length: 8 }, (_, index) => [index, value(index)]))
    t.strictSame([...array.range(0, 3)], [0, 1, 2].map(value))
    t.strictSame([...array.range(2, 3)], [2, 3, 4].map(value))
    t.strictSame([...array.range(6, 100)], [6, 7].map(value), 'there are no more')
    t.strictSame([...array.range(3, 0)], [])
    t.strictSame([...array.range(9, 1)], [])
    const perCpu = object.map('percpu_array').summed({ key: u32, value: list(u64, 2) })
    perCpu.update(2, [5n, 6n])
    t.strictSame([...perCpu.range(2, 1)], [[5n, 6n]])
    const steps = object.map('steps').typed({ key: u32, value: u32 })
    const { fd, id } = object.program('grow')
    steps.update(1, fd)
    t.strictSame([...steps.range(1, 5)], [id], 'also where the kernel has no batches')
    const hash = object.map('hash').typed({ key: addressKey, value: counter })
    t.throws(() => [...hash.range(0, 1)], { code: 'USAGE', message: /hash: hash, expected an array/ })
  })

  t.test('can be closed twice, and not be used afterwards', async t => {
    const map = object.map('lru')
    const typed = map.typed({ key: addressKey, value: counter })
    map.close()
    map.close()
    t.throws(() => map.fd, { code: 'CLOSED' })
    t.throws(() => typed.lookup(key(1)), { code: 'CLOSED' })
    t.throws(() => [...typed], { code: 'CLOSED' })
    t.throws(() => typed.updateAll(entries(1)), { code: 'CLOSED' })
  })
})

t.test('a mapped array', { skip }, async t => {
  const object = loadKinds(t)
  const map = object.map('shared')
  const shared = map.mapped()
  t.teardown(() => shared.close())

  t.test('shares its memory with the map', async t => {
    const typed = map.typed({ key: u32, value: counter })
    t.equal(shared.length, 3)
    t.equal(shared.stride, 16)
    typed.update(2, value(77))
    t.strictSame(shared.read(counter, 2), value(77))
    shared.write(counter, 1, value(88))
    t.strictSame(typed.lookup(1), value(88))
    shared.u64[(1 * shared.stride) / 8] = 89n
    shared.u32[(1 * shared.stride + 8) / 4] = 12
    t.strictSame(typed.lookup(1), { packets: 89n, lastSize: 12 })
    t.equal(shared.bytes[16], 89)
  })

  t.test('shares its memory with the program', async t => {
    shared.u64[0] = 40n
    object.program('count').testRun({ data: packet, repeat: 2 })
    t.equal(shared.u64[0], 42n)
  })

  t.test('of small values has each on its own eight bytes', async t => {
    using slots = object.map('slots').mapped()
    t.equal(slots.stride, 8)
    slots.write(u16, 4, 0x1234)
    t.equal(object.map('slots').typed({ key: u32, value: u16 }).lookup(4), 0x1234)
  })

  t.test('refuses what is outside', async t => {
    const refused = (call: () => unknown, message: RegExp) => t.throws(call, { code: 'USAGE', message })
    refused(() => shared.read(counter, 3), /index 3, expected 0 to 2/)
    refused(() => shared.read(counter, -1), /index -1/)
    refused(() => shared.write(counter, 0.5, value(1)), /index 0\.5/)
    refused(() => shared.read({ ...counter, size: 24 }, 0), /value of 24 bytes, expected 16/)
    refused(() => object.map('array').mapped(), /array: array, expected an array with BPF_F_MMAPABLE/)
  })

  t.test('can be closed twice, and not be used afterwards; the map stays open', async t => {
    const kept = shared.u64
    shared.close()
    shared.close()
    t.throws(() => shared.bytes, { code: 'CLOSED' })
    t.throws(() => shared.u32, { code: 'CLOSED' })
    t.throws(() => shared.u64, { code: 'CLOSED' })
    t.throws(() => shared.read(counter, 0), { code: 'CLOSED' })
    t.throws(() => shared.write(counter, 0, value(0)), { code: 'CLOSED' })
    t.equal(kept[0], 0n, 'a view that was kept reads zeroes')
    t.ok(map.typed({ key: u32, value: counter }).lookup(0))
  })
})
