import { fork } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { realState } from '../../lib/dataplane/layout.gen.js'
import { flags } from '../tools/loader/flags.js'
import type { TcpFlag } from '../tools/packet.js'
import { loadProgram, type ProgramUnderTest, skip } from '../tools/program.js'
import { sweep } from '../tools/sweep.js'

/** Flows that each of two processes begins, at the same time. */
const MANY = 2_000_000
const script = new URL('../tools/sender.ts', import.meta.url)

/** SYNs of so many new flows; gives the reals that took them, in order. */
function begin(program: ProgramUnderTest, flows: number, from = 1000): (number | undefined)[] {
  return Array.from({ length: flows }, (_, index) => program.run({ sourcePort: from + index }).real)
}

const ack: TcpFlag[] = ['ACK']

t.test('the schedule', { skip }, async t => {
  const program = loadProgram(t)
  const senders = [0, MANY].map(first =>
    fork(script, [program.pins.of('prog'), `${first}`, `${MANY}`], { execArgv: flags }),
  )
  const ready = Promise.all(senders.map(sender => once(sender, 'message')))
  t.teardown(() => senders.map(sender => sender.kill()))

  t.test('gives flows to the real servers strictly in turn', async t => {
    for (const reals of [[71, 72], [71, 72, 73], [71]]) {
      program.apply({ reals })
      program.clear()
      const got = begin(program, 100)
      const list = reals.toReversed()
      const start = list.indexOf(got[0] ?? 0)
      t.strictSame(
        got,
        got.map((_, turn) => list[(start + turn) % list.length]),
        `${reals.length} real servers`,
      )
    }
  })

  t.test('keeps turn over all CPUs: each real server gets its share to the flow', async t => {
    program.apply({ reals: [74, 75] })
    program.clear()
    await ready
    const conflictsBefore = program.verdicts().drop_conflict
    for (const sender of senders) sender.send('go')
    await Promise.all(senders.map(sender => once(sender, 'exit')))
    // in a full table one flow in 16 million meets another of its signature, and does not begin
    const conflicts = program.verdicts().drop_conflict - conflictsBefore
    const [first = 0, second = 0] = [74, 75].map(last => program.stats(last).connections)
    t.equal(first + second, 2 * MANY - conflicts)
    t.ok(Math.abs(first - second) <= 1, `${first} and ${second}`)
  })

  t.test('passes over a place that names a real server of another service', async t => {
    program.apply({ reals: [71, 72] }, { port: 81, reals: [73] })
    const schedule = program.services.running[0]?.id ?? -1
    const first = Number(program.tables.services.read(schedule).schedule >> 32n)
    program.tables.slots[first + 1] = program.realId(73, 1)
    t.strictSame(begin(program, 10, 5000), Array(10).fill(72))
  })

  t.test('gives nothing to a real server of weight 0, which keeps the flows it has', async t => {
    program.apply({ reals: [71, 72] })
    program.clear()
    const before = begin(program, 4)
    program.apply({ reals: [{ last: 71, weight: 0 }, 72] })
    t.strictSame(begin(program, 10, 2000), Array(10).fill(72))
    t.strictSame(
      before.map((_, index) => program.run({ sourcePort: 1000 + index, flags: ack }).real),
      before,
    )
  })

  t.test('drops the flows of a real server that has left; they go on when it is back', async t => {
    program.apply({ reals: [71, 72] })
    program.clear()
    const before = begin(program, 4)
    const id = program.realId(71)
    const again = () => before.map((_, index) => program.run({ sourcePort: 1000 + index, flags: ack }).real)
    program.apply({ reals: [72] })
    program.services.forget(sweep(program))
    program.services.forget(sweep(program))
    t.strictSame(
      again(),
      before.map(real => (real === 71 ? undefined : real)),
    )
    program.apply({ reals: [71, 72] })
    t.equal(program.realId(71), id, 'with the id it had')
    t.strictSame(again(), before)
  })

  t.test('gives up the id of a real server that has left when no flow names it any more', async t => {
    program.apply({ reals: [71, 72] })
    program.clear()
    const id = program.realId(71)
    program.apply({ reals: [72] })
    program.services.forget(sweep(program))
    t.notOk(isFree(program, id), 'not at once: the walk may have begun before it left')
    program.services.forget(sweep(program))
    t.ok(isFree(program, id))
  })

  t.test('gives nothing to a real server that cannot be reached', async t => {
    program.apply({ reals: [71, 72] })
    program.clear()
    begin(program, 4)
    program.hops.change(71, { reason: 'nobody answers', kind: 'passing' })
    t.strictSame(begin(program, 4, 2000), [72, 72, 72, 72])
    program.hops.restore(71)
    t.strictSame(begin(program, 4, 3000).toSorted(), [71, 71, 72, 72])
  })

  t.test(
    'goes on behind the last one when the list changes, whose head a new real server becomes',
    async t => {
      program.apply({ reals: [81, 82, 83] })
      program.clear()
      t.strictSame(begin(program, 2), [83, 82])
      program.apply({ reals: [81, 82, 83, 84] })
      t.strictSame(begin(program, 3, 2000), [81, 84, 83])
      program.apply({ reals: [82, 81, 84] })
      t.strictSame(begin(program, 2, 3000), [82, 81])
      program.apply({ reals: [{ last: 82, weight: 0 }, 81, 84] })
      t.strictSame(begin(program, 2, 4000), [84, 81])
    },
  )
})

function isFree(program: ProgramUnderTest, id: number): boolean {
  return program.tables.reals.read(id).state === realState.free
}
