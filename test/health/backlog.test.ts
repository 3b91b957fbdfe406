import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { Backlog } from '../../lib/health/backlog.js'

/** A backlog of items that take so long each, by a clock of their own. */
function backlogOf(ms: number) {
  let now = 0
  const seen: number[] = []
  const backlog = new Backlog<{ item: number }>(
    ({ item }) => {
      seen.push(item)
      now += ms
    },
    () => now,
  )
  return { add: (item: number) => backlog.add({ item }), close: () => backlog.close(), seen }
}

t.test('what comes alone is seen to at once', async t => {
  const { add, seen } = backlogOf(1000)
  add(1)
  t.strictSame(seen, [1])
  await nextTurn()
  add(2)
  t.strictSame(seen, [1, 2])
})

t.test('of many that come at once each turn of the event loop sees to some, in their order', async t => {
  const { add, seen } = backlogOf(10)
  for (const item of [1, 2, 3, 4, 5]) add(item)
  t.strictSame(seen, [1, 2])
  await nextTurn()
  t.strictSame(seen, [1, 2, 3, 4])
  add(6)
  t.strictSame(seen, [1, 2, 3, 4], 'others were there before')
  await nextTurn()
  t.strictSame(seen, [1, 2, 3, 4, 5, 6])
})

t.test('what waits when it is closed is forgotten', async t => {
  const { add, close, seen } = backlogOf(1000)
  for (const item of [1, 2]) add(item)
  close()
  await nextTurn()
  t.strictSame(seen, [1])
})
