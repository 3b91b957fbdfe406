import t from 'tap'
import { type Address, parseAddress } from '../../../lib/address.js'
import { destinationBuckets, sourceBuckets } from '../../../lib/dataplane/schedulers/hash-buckets.js'
import {
  bucketOf,
  hashedAddress,
  OFFSET_KEY,
  shortSipHash,
} from '../../../lib/dataplane/schedulers/hashes.js'
import { MAGLEV_PLACES, maglevTable } from '../../../lib/dataplane/schedulers/maglev.js'
import type { Member } from '../../../lib/dataplane/schedulers/member.js'

// What real IPVS (Linux 6.1) gave to 10.0.0.71, .72 and .73, added in this order, when these clients sent a SYN each.

interface Client {
  readonly address: Address
  readonly port: number
}

const clients: readonly Client[] = Array.from({ length: 24 }, (_, index) => ({
  address: parseAddress(`198.51.100.${index + 1}`),
  port: 2000 + 7 * index,
}))
const clients6: readonly Client[] = Array.from({ length: 24 }, (_, index) => ({
  address: parseAddress(`2001:db8:1:${(index * 2741).toString(16)}::${(index * 7 + 1).toString(16)}`),
  port: 2000 + 7 * index,
}))

/** In IPVS's order. A pair is the weight from before and the one now. */
function members(weights: readonly (number | readonly [number, number])[], network = '10.0.0.'): Member[] {
  const reals = weights.map((weight, index) => {
    const [lastWeight, now] = typeof weight === 'number' ? [weight, weight] : weight
    const id = 71 + index
    const address = parseAddress(`${network}${network.includes(':') ? id.toString(16) : id}`)
    return { id, address, port: 80, weight: now, lastWeight }
  })
  return reals.reverse()
}

/** The first real with a weight on a way over a table: its first place, and then the fallback's. */
function firstWithWeight(table: readonly number[], places: Iterable<number>, reals: readonly Member[]) {
  for (const place of places) {
    const real = reals.find(({ id }) => id === table[place])
    if (real && real.weight > 0) return real.id
  }
  return undefined
}

function* sourcePlaces({ address }: Client, port: number): Generator<number> {
  const home = bucketOf(hashedAddress(address, port))
  yield home
  for (let step = 0; step < 256; step++) yield (home + ((step + home) % 256)) % 256
}

function* maglevPlaces({ address }: Client, port: number): Generator<number> {
  const place = (offset: number) =>
    shortSipHash(hashedAddress(address, port, offset), OFFSET_KEY) % MAGLEV_PLACES
  const home = place(0)
  yield home
  for (let step = 0; step < MAGLEV_PLACES; step++) yield place((step + home) % MAGLEV_PLACES)
}

t.test('sh picks the real server that IPVS picks', async t => {
  const pick = (weights: readonly number[], port = (_: Client) => 0) => {
    const reals = members(weights)
    const table = sourceBuckets(reals)
    return clients.map(client => firstWithWeight(table, sourcePlaces(client, port(client)), reals))
  }
  t.strictSame(
    pick([1, 1, 1]),
    [73, 71, 71, 72, 73, 72, 73, 73, 71, 72, 71, 73, 71, 73, 71, 73, 72, 73, 72, 73, 72, 71, 72, 71],
    'with equal weights',
  )
  t.strictSame(
    pick([3, 1, 2]),
    [73, 72, 71, 73, 71, 73, 71, 73, 72, 71, 72, 71, 71, 71, 71, 71, 71, 73, 71, 73, 71, 71, 73, 71],
    'with others',
  )
  t.strictSame(
    pick([3, 1, 2], client => client.port),
    [73, 71, 71, 73, 71, 73, 72, 71, 73, 71, 71, 73, 71, 72, 71, 73, 71, 71, 73, 71, 73, 72, 71, 73],
    'with ports',
  )
  t.strictSame(
    pick([3, 0, 2]),
    [73, 73, 71, 73, 71, 73, 71, 73, 71, 71, 71, 71, 71, 71, 71, 71, 71, 73, 71, 73, 71, 71, 73, 71],
    'and with fallback, where one has none',
  )
})

t.test('mh picks the real server that IPVS picks', async t => {
  const pick = (weights: readonly (number | readonly [number, number])[], port = (_: Client) => 0) => {
    const reals = members(weights)
    const table = maglevTable(reals)
    return clients.map(client => firstWithWeight(table, maglevPlaces(client, port(client)), reals))
  }
  t.strictSame(
    pick([1, 1, 1]),
    [71, 72, 71, 73, 71, 71, 71, 73, 71, 72, 71, 72, 73, 72, 71, 71, 72, 73, 73, 73, 72, 73, 71, 73],
    'with equal weights',
  )
  t.strictSame(
    pick([3, 1, 200]),
    [73, 73, 73, 73, 71, 73, 73, 73, 73, 73, 73, 73, 73, 73, 73, 71, 73, 73, 73, 73, 73, 73, 73, 73],
    'with weights so large that they are shortened',
  )
  t.strictSame(
    pick([3, 1, 2], client => client.port),
    [72, 73, 73, 71, 71, 73, 73, 72, 73, 73, 71, 71, 71, 73, 71, 73, 73, 73, 71, 73, 71, 71, 71, 73],
    'with ports',
  )
  t.strictSame(
    pick([3, 1, [2, 0]]),
    [71, 72, 71, 71, 71, 71, 71, 71, 71, 71, 71, 72, 71, 71, 71, 71, 71, 71, 72, 71, 71, 71, 71, 71],
    'and with fallback, where one lost its weight',
  )
})

t.test('over IPv6 sh, mh and dh pick the real server that IPVS picks', async t => {
  const reals = members([3, 1, 2], '2001:db8::')
  t.strictSame(
    clients6.map(client => firstWithWeight(sourceBuckets(reals), sourcePlaces(client, 0), reals)),
    [71, 72, 71, 73, 71, 72, 72, 73, 71, 71, 71, 73, 73, 72, 73, 72, 71, 71, 72, 71, 71, 73, 71, 72],
  )
  t.strictSame(
    clients6.map(client => firstWithWeight(maglevTable(reals), maglevPlaces(client, client.port), reals)),
    [73, 73, 72, 71, 71, 73, 71, 71, 71, 71, 73, 71, 73, 71, 71, 73, 72, 71, 73, 72, 71, 73, 72, 71],
  )
  t.equal(destinationBuckets(reals)[bucketOf(hashedAddress(parseAddress('2001:db8::1')))], 73)
})

t.test('dh picks the real server that IPVS picks, whatever they weigh', async t => {
  const table = destinationBuckets(members([9, 1, 1]))
  t.equal(table[bucketOf(hashedAddress(parseAddress('10.0.0.1')))], 73)
  t.strictSame(table.slice(0, 4), [73, 72, 71, 73])
})

t.test('sh gives nothing to the end of a list whose weights are too much for it', async t => {
  t.strictSame(new Set(sourceBuckets(members([5, 200, 100]))), new Set([73, 72]))
  t.strictSame(sourceBuckets(members([1, 1_000_000_000])), Array(256).fill(72))
})

t.test('the tables of a service without real servers are empty', async t => {
  t.strictSame(sourceBuckets([]), [])
  t.strictSame(destinationBuckets([]), [])
  t.strictSame(maglevTable([]), [])
  t.strictSame(maglevTable(members([0, 0])), [], 'for mh also where none ever had a weight')
})

t.test('mh has room for as many real servers as places', async t => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index): Member => {
      const address = parseAddress(`10.9.${index >> 8}.${index & 255}`)
      return { id: index + 1, address, port: 80, weight: 1, lastWeight: 1 }
    })
  t.equal(new Set(maglevTable(many(MAGLEV_PLACES))).size, MAGLEV_PLACES)
  t.throws(() => maglevTable(many(MAGLEV_PLACES + 1)), {
    code: 'CONFIG',
    message: 'schedule: mh: 4094 real servers, expected at most 4093',
  })
})
