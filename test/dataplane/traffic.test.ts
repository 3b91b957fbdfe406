import { mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { mapLayouts } from '../../lib/dataplane/layout.gen.js'
import { noTraffic, TrafficMeter } from '../../lib/dataplane/traffic.js'
import { possibleCpus } from '../../lib/libbpf/index.js'
import { loadProgram, skip } from '../tools/program.js'

const REAL = 5
const SAMPLE_MS = 2000
const noCounts = { connections: 0n, packets: 0n, bytes: 0n }

t.test('the traffic of a real', { skip }, async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const stats = loadProgram(t).loaded.map('stats')
  const { key, value } = mapLayouts.stats
  const cpus = stats.perCpu({ key, value })
  const meter = new TrafficMeter(stats, () => [REAL])
  const traffic = () => meter.of([REAL]).get(REAL)
  t.teardown(() => meter.close())
  /** Every CPU has counted as much. */
  const count = (packets: bigint) => {
    const each = { connections: 1n, packets, bytes: 40n * packets }
    cpus.update(
      REAL,
      Array.from({ length: possibleCpus() }, () => each),
    )
  }

  t.test('is that of all CPUs, and its rates are those of the last sample', async t => {
    const all = possibleCpus()
    count(80n)
    const totals = { connections: all, packets: 80 * all, bytes: 3200 * all }
    t.strictSame(traffic(), { ...noTraffic, ...totals })
    mock.timers.tick(SAMPLE_MS)
    t.strictSame(traffic(), { ...noTraffic, ...totals }, 'what was counted before the first is no rate')
    count(160n)
    t.equal(traffic()?.packets, 160 * all, 'totals are of this moment')
    t.equal(traffic()?.packetsPerSecond, 0)
    mock.timers.tick(SAMPLE_MS)
    const { connectionsPerSecond, packetsPerSecond, bytesPerSecond } = traffic() ?? noTraffic
    t.strictSame(
      { connectionsPerSecond, packetsPerSecond, bytesPerSecond },
      { connectionsPerSecond: 0, packetsPerSecond: 10 * all, bytesPerSecond: 400 * all },
      'a quarter of 40 a second',
    )
    mock.timers.tick(SAMPLE_MS)
    t.equal(traffic()?.packetsPerSecond, 7.5 * all, 'less by a quarter')
  })

  t.test('is found among that of others, near and far', async t => {
    const ids = [REAL + 1, 9000, 9017, 9018, 9034, 9051, 32767]
    const each = (id: number) => ({ connections: 1n, packets: BigInt(id), bytes: 0n })
    for (const id of ids) cpus.update(id, Array(possibleCpus()).fill(each(id)))
    const wanted = [...ids.toReversed(), 9000, 1]
    const found = [...meter.of(wanted)].map(([id, { packets }]) => [id, packets / possibleCpus()])
    t.strictSame(found, [[1, 0], ...ids.map(id => [id, id])])
    t.strictSame(meter.of([]), new Map())
  })

  t.test('is sampled some thousand reals in each turn of the event loop', async t => {
    const last = 5000
    const many = new TrafficMeter(stats, () => Array.from({ length: last }, (_, index) => index + 1))
    t.teardown(() => many.close())
    const rate = (id: number) => many.of([id]).get(id)?.packetsPerSecond
    const sample = async () => {
      mock.timers.tick(SAMPLE_MS)
      const early = [rate(1), rate(last)]
      for (let turn = 0; turn < 3; turn++) await nextTurn()
      return early
    }
    await sample()
    for (const id of [1, last]) {
      const { connections, packets, bytes } = stats.summed({ key, value }).lookup(id) ?? noCounts
      stats.summed({ key, value }).update(id, { connections, packets: packets + 80n, bytes })
    }
    t.strictSame(await sample(), [10, 0], 'those at the end are not seen to yet')
    t.strictSame([rate(1), rate(last)], [10, 10])
  })

  t.test('begins at nothing when its id goes to another', async t => {
    meter.reset(REAL)
    t.strictSame(traffic(), noTraffic)
    t.ok(cpus.lookup(REAL)?.every(({ packets }) => packets === 0n))
  })
})
