import fc from 'fast-check'
import t from 'tap'
import { kernelFrequency, TICKS_PER_SECOND, ticksPerJiffy } from '../../lib/dataplane/clock.js'
import { defaultTimeouts, timeoutTable } from '../../lib/dataplane/timeouts.js'

const frequencies = [100, 250, 300, 1000]

/** jiffies as the kernel counts them (INITIAL_JIFFIES), so many seconds after boot. */
function jiffies(hz: number, uptimeSeconds: number): bigint {
  return 2n ** 32n - BigInt(300 * hz) + BigInt(Math.floor(uptimeSeconds * hz))
}

/** As ticks_now() of bpf/clock.h counts. */
function ticks(hz: number, uptimeSeconds: number): number {
  return Number(
    BigInt.asUintN(32, BigInt.asUintN(64, jiffies(hz, uptimeSeconds) * BigInt(ticksPerJiffy(hz))) >> 32n),
  )
}

t.test(
  'the frequency of the kernel is known at any time, but for a moment five minutes after boot',
  async t => {
    const known = fc
      .double({ min: 1, max: 1e9, noNaN: true })
      .filter(seconds => Math.abs(seconds - 300) >= 1.01)
    for (const hz of frequencies) {
      fc.assert(
        fc.property(known, fc.integer({ min: -1, max: 1 }), (uptimeSeconds, late) => {
          return kernelFrequency({ jiffies: jiffies(hz, uptimeSeconds) + BigInt(late), uptimeSeconds }) === hz
        }),
      )
      for (const uptimeSeconds of [299.1, 300, 300.9])
        t.equal(kernelFrequency({ jiffies: jiffies(hz, uptimeSeconds), uptimeSeconds }), undefined)
    }
  },
)

t.test('a tick is a quarter of a second, before and after jiffies wrap, for decades', async t => {
  const year = 365 * 86_400
  for (const hz of frequencies) {
    for (const uptime of [1, 299, 300, 301, 86_400, year, 30 * year]) {
      const elapsed = (ticks(hz, uptime + 900) - ticks(hz, uptime)) >>> 0
      t.ok(Math.abs(elapsed - 900 * TICKS_PER_SECOND) <= 1, `${hz} Hz, up for ${uptime} s: ${elapsed} ticks`)
    }
  }
})

t.test('a clock that is too slow to count in ticks is refused', async t => {
  t.throws(() => ticksPerJiffy(4), {
    code: 'UNSUPPORTED',
    message: 'kernel clock: 4 Hz, expected more than 4',
  })
})

t.test('the timeouts are those of IPVS, in ticks, by the number of the state', async t => {
  const table = timeoutTable(defaultTimeouts)
  t.equal(table.length, 16)
  t.strictSame(
    [1, 2, 4, 5, 6, 8, 9].map(state => table[state]),
    [240, 1200, 40, 480, 480, 3600, 1200],
  )
  t.equal(table[0], 0, 'nothing at all is over at once')
})
