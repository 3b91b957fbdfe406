import t from 'tap'
import { defineConfig } from '../lib/config/index.js'
import { noTraffic } from '../lib/dataplane/traffic.js'
import { planOf } from '../lib/plan.js'
import { Rotation } from '../lib/rotation.js'

/** One service for each number, of so many real servers. */
function rotationOf(...counts: readonly number[]): Rotation {
  const virtualServers = counts.map((count, index) => ({
    address: '10.0.0.1',
    port: 1 + index,
    protocol: 'tcp' as const,
    scheduler: 'rr' as const,
    forwarding: { method: 'dr' as const },
    realServers: Array.from({ length: count }, (_, real) => ({
      address: `10.1.${real >> 8}.${real & 255}`,
      port: 1 + index,
    })),
  }))
  return new Rotation(planOf(defineConfig({ virtualServers })).services)
}

function sizes(rotation: Rotation): number[] {
  return Array.from(rotation.slices(), names => names.length)
}

t.test('services are described in slices of at most 256 real servers', async t => {
  t.strictSame(sizes(rotationOf(...Array(100).fill(10))), [25, 25, 25, 25])
  t.strictSame(sizes(rotationOf(1, 255, 1)), [2, 1])
  t.strictSame(sizes(rotationOf(1, 1000, 1)), [1, 1, 1], 'a service is never cut in two')
  t.strictSame(sizes(rotationOf()), [])
})

t.test('slices have every service once, in the order of the configuration', async t => {
  const names = [...rotationOf(...Array(100).fill(10)).slices()].flat()
  t.strictSame(
    names,
    Array.from({ length: 100 }, (_, index) => `10.0.0.1:${1 + index}/tcp`),
  )
})

t.test('what is said of a service whose real servers are all well is left as it is', async t => {
  const said = { service: '10.0.0.1:1/tcp', scheduler: 'rr', traffic: noTraffic, reals: [] }
  t.strictSame(rotationOf(2).describe([said]), [said])
})
