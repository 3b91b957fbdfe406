import { mock } from 'node:test'
import t from 'tap'
import { mapLayouts } from '../../lib/dataplane/layout.gen.js'
import { noTraffic, TrafficMeter } from '../../lib/dataplane/traffic.js'
import { possibleCpus } from '../../lib/libbpf/index.js'
import { loadProgram, skip } from '../tools/program.js'

const REAL = 5
const SAMPLE_MS = 2000

t.test('the traffic of a real', { skip }, async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const stats = loadProgram(t).loaded.map('stats')
  const { key, value } = mapLayouts.stats
  const cpus = stats.perCpu({ key, value })
  const meter = new TrafficMeter(stats, () => [REAL])
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
    t.strictSame(meter.of(REAL), { ...noTraffic, ...totals })
    mock.timers.tick(SAMPLE_MS)
    t.strictSame(meter.of(REAL), { ...noTraffic, ...totals }, 'what was counted before the first is no rate')
    count(160n)
    t.equal(meter.of(REAL).packets, 160 * all, 'totals are of this moment')
    t.equal(meter.of(REAL).packetsPerSecond, 0)
    mock.timers.tick(SAMPLE_MS)
    const { connectionsPerSecond, packetsPerSecond, bytesPerSecond } = meter.of(REAL)
    t.strictSame(
      { connectionsPerSecond, packetsPerSecond, bytesPerSecond },
      { connectionsPerSecond: 0, packetsPerSecond: 10 * all, bytesPerSecond: 400 * all },
      'a quarter of 40 a second',
    )
    mock.timers.tick(SAMPLE_MS)
    t.equal(meter.of(REAL).packetsPerSecond, 7.5 * all, 'less by a quarter')
  })

  t.test('begins at nothing when its id goes to another', async t => {
    meter.reset(REAL)
    t.strictSame(meter.of(REAL), noTraffic)
    t.ok(cpus.lookup(REAL)?.every(({ packets }) => packets === 0n))
  })
})
