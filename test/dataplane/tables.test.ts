import fc from 'fast-check'
import t from 'tap'
import { type Address, addressFromBytes, parseAddress } from '../../lib/address.js'
import { geometryFor, tableBytes, tableSizes } from '../../lib/dataplane/geometry.js'
import { limit, vip } from '../../lib/dataplane/layout.gen.js'
import { type ServiceKey, ServiceKeys } from '../../lib/dataplane/service-keys.js'
import { SlotSpace, type Stretch } from '../../lib/dataplane/slot-space.js'
import { VipTable } from '../../lib/dataplane/vip-table.js'

const newVips = () => {
  const u64 = new BigUint64Array((vip.size / 8) * limit.vips)
  return new VipTable({ u64, u32: new Uint32Array(u64.buffer) })
}
const newKeys = () => new ServiceKeys(new BigUint64Array(limit.ways * limit.service_buckets))
const MOST_VIPS = limit.vips / 4

function ipv4(number: number): Address {
  return addressFromBytes(Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number))
}

t.test('the table of virtual addresses', async t => {
  t.test('has room for its limit of them, however they are numbered', async t => {
    const plans: Record<string, (index: number) => Address> = {
      'one behind the other': index => ipv4(0x0a000000 + index),
      'every fourth': index => ipv4(0xc0a80000 + 4 * index),
      'one in each network': index => ipv4(0x0a000001 + (index << 8)),
      'one in each large network': index => ipv4(0x01000001 + (index << 16)),
      scattered: index => ipv4(Math.imul(index + 1, 0x9e3779b1) >>> 0),
      'IPv6, one behind the other': index => parseAddress(`2001:db8::${index.toString(16)}`),
      'IPv6, one in each network': index => parseAddress(`2001:db8:0:${index.toString(16)}::1`),
    }
    for (const [title, address] of Object.entries(plans)) {
      const vips = newVips()
      const ids = Array.from({ length: MOST_VIPS }, (_, index) => vips.add(address(index)))
      t.equal(new Set(ids).size, MOST_VIPS, title)
      t.ok(ids.every((id, index) => vips.find(address(index)) === id))
      t.throws(() => vips.add(address(MOST_VIPS)), {
        code: 'CONFIG',
        message: `add virtual address: ${address(MOST_VIPS)}: one too many, expected at most 2048`,
      })
      t.equal(vips.add(address(0)), ids[0], 'one that is there is there')
    }
  })

  t.test('keeps every id while addresses come and go', async () => {
    const few = fc.integer({ min: 0, max: 30 }).map(number => ipv4(0x0a000000 + number))
    const change = fc.record({ address: few, add: fc.boolean() })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), changes => {
        const vips = newVips()
        const wanted = new Map<Address, number>()
        for (const { address, add } of changes) {
          if (add) wanted.set(address, vips.add(address))
          else if (wanted.has(address)) vips.remove(wanted.get(address) ?? -1)
          if (!add) wanted.delete(address)
          for (const [one, id] of wanted) if (vips.find(one) !== id || vips.at(id) !== one) return false
        }
        return [...vips].length === wanted.size
      }),
    )
  })

  t.test('finds an address behind one that has left', async t => {
    const vips = newVips()
    const home = vips.add(ipv4(0x0a000001))
    const next = Array.from({ length: 100_000 }, (_, index) => ipv4(0x0b000000 + index)).find(address => {
      const id = vips.add(address)
      if (id === home + 1 && idAlone(address) === home) return true
      vips.remove(id)
      return false
    })
    vips.remove(home)
    t.equal(vips.find(next ?? ipv4(0)), home + 1)
    t.equal(vips.find(ipv4(0x0a000001)), undefined)
    t.equal(vips.add(ipv4(0x0a000001)), home, 'whose slot is used again')
  })
})

/** The slot of an address in a table that has nothing else. */
function idAlone(address: Address): number {
  return newVips().add(address)
}

t.test('the table of services', async t => {
  t.test('has room for as many as there can be', async t => {
    const keys = newKeys()
    const all = Array.from({ length: limit.services - 1 }, (_, index): ServiceKey => {
      return { vip: index % 100, port: 1 + Math.floor(index / 100) * 7, protocol: index % 2 ? 6 : 17 }
    })
    for (const [index, key] of all.entries()) keys.set(key, index + 1)
    t.ok(all.every((key, index) => keys.find(key) === index + 1))
    t.equal([...keys].length, all.length)
    t.strictSame(
      [...keys].toSorted((a, b) => a.service - b.service).map(({ key }) => key),
      all,
    )
  })

  t.test('knows what was set last, and nothing that was deleted', async t => {
    const keys = newKeys()
    const key = { vip: 8191, port: 65535, protocol: 17 }
    keys.set(key, 1)
    keys.set(key, 4095)
    t.strictSame([...keys], [{ key, service: 4095 }])
    t.equal(keys.find({ ...key, protocol: 6 }), undefined)
    t.equal(keys.find({ ...key, port: 65534 }), undefined)
    t.equal(keys.find({ ...key, vip: 8190 }), undefined)
    keys.delete(key)
    keys.delete(key)
    t.strictSame([...keys], [])
  })

  t.test('says so when both places of a key are full', async t => {
    const keys = newKeys()
    const add = () => {
      for (let port = 1; port < 65536; port++) keys.set({ vip: 1, port, protocol: 6 }, 1)
    }
    t.throws(add, { code: 'CONFIG', message: /no place left/ })
  })
})

t.test('the space of the schedules', async t => {
  t.test('never gives two of them the same place', async () => {
    const step = fc.record({ count: fc.integer({ min: 0, max: 12 }), give: fc.nat() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), steps => {
        const space = new SlotSpace(64)
        const taken: Stretch[] = []
        for (const { count, give } of steps) {
          try {
            taken.push(space.take(count))
          } catch {
            const [given] = taken.splice(give % Math.max(1, taken.length), 1)
            if (given) space.give(given)
          }
          const places = taken.flatMap(({ first, count }) =>
            Array.from({ length: count }, (_, i) => first + i),
          )
          if (new Set(places).size !== places.length || places.some(place => place >= 64)) return false
        }
        return true
      }),
    )
  })

  t.test('does not write again at once what was given back', async t => {
    const space = new SlotSpace(100)
    const first = space.take(10)
    space.give(first)
    t.strictSame(space.take(10), { first: 10, count: 10 })
    t.strictSame(space.take(80), { first: 20, count: 80 })
    t.strictSame(space.take(10), first, 'but when it has come round')
    t.throws(() => space.take(1), { code: 'CONFIG' })
  })

  t.test('takes nothing from another schedule with an empty one', async t => {
    const space = new SlotSpace(10)
    const empty = space.take(0)
    space.take(6)
    space.give(empty)
    t.throws(() => space.take(6), { code: 'CONFIG' })
  })

  t.test('leaves alone what was taken before', async t => {
    const used = [
      { first: 0, count: 3 },
      { first: 5, count: 1 },
      { first: 7, count: 0 },
    ]
    const space = new SlotSpace(12, used)
    t.equal(space.take(2).first, 3)
    t.equal(space.take(4).first, 6)
    t.throws(() => space.take(3), { code: 'CONFIG' })
    t.equal(space.take(2).first, 10)
  })
})

t.test('the size of the tables', async t => {
  t.strictSame(geometryFor(262_144), { flowBuckets: 65_536, templateBuckets: 65_536, fragments: 16_384 })
  t.match(geometryFor(262_145), { flowBuckets: 131_072, templateBuckets: 131_072 })
  t.strictSame(geometryFor(1), { flowBuckets: 128, templateBuckets: 128, fragments: 16_384 }, 'is never tiny')
  const most = geometryFor(16_777_216)
  t.ok(most.templateBuckets * limit.ways <= 2 ** 24, 'leaves 24 bits enough for the index of a template')
  t.strictSame(tableSizes(geometryFor(262_144)), {
    flow_words: 65_536,
    flows: 524_288,
    template_words: 65_536,
    templates: 524_288,
    fragments: 16_384,
  })
  t.equal(tableBytes(geometryFor(262_144)), 524_288 * 40 + 524_288 * 40 + 16_384 * 96)
})
