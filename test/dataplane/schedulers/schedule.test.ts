import t from 'tap'
import { parseAddress } from '../../../lib/address.js'
import { listed, type Member } from '../../../lib/dataplane/schedulers/member.js'
import {
  noSchedule,
  type Schedule,
  scheduleOf,
  type UsedSchedule,
} from '../../../lib/dataplane/schedulers/schedule.js'
import { lastInList, turnBehind } from '../../../lib/dataplane/schedulers/turn.js'
import type { Scheduler } from '../../../lib/dataplane/spec.js'
import { MOST_TURNS } from '../../../lib/weights.js'

/** A service whose reals are said by their ids and weights, as they are configured. */
class Service {
  readonly #scheduler: Scheduler
  #members: readonly Member[] = []
  #used: UsedSchedule = noSchedule

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  change(weights: Readonly<Record<number, number>>, down: readonly number[] = []): Schedule {
    const wanted = Object.entries(weights).map(([id, weight]): Member => {
      return { id: Number(id), address: parseAddress(`10.0.0.${id}`), port: 80, weight, lastWeight: weight }
    })
    const before = this.#members
    this.#members = listed(before, wanted)
    const roster = {
      scheduler: this.#scheduler,
      members: this.#members,
      isUp: (id: number) => !down.includes(id),
    }
    this.#used = { ...scheduleOf(roster, this.#used, before), taken: 0n }
    return this.#used
  }

  take(count: number): (number | undefined)[] {
    const { places, next, taken } = this.#used
    this.#used = { ...this.#used, taken: taken + BigInt(count) }
    return Array.from({ length: count }, (_, turn) => places[(next + Number(taken) + turn) % places.length])
  }
}

t.test('rr goes on behind the real server that had the last turn', async t => {
  const service = new Service('rr')
  service.change({ 1: 1, 2: 1, 3: 1 })
  t.strictSame(service.take(5), [3, 2, 1, 3, 2])
  service.change({ 1: 1, 2: 0, 3: 1 })
  t.strictSame(service.take(3), [1, 3, 1], 'when that one has no weight any more')
  service.change({ 1: 0, 2: 0, 3: 1 })
  service.change({ 1: 0, 2: 1, 3: 1 })
  t.strictSame(service.take(2), [3, 2], 'also when nobody had a turn between two changes')
  service.change({ 1: 0, 3: 1, 4: 1 })
  t.strictSame(service.take(2), [4, 3], 'when it has left: behind the one before it')
  service.change({ 1: 1, 3: 1, 4: 1, 5: 1 })
  t.strictSame(service.take(4), [1, 5, 4, 3], 'when a new one is at the head of the list')
})

t.test('rr goes on where a former process was', async t => {
  t.equal(lastInList(2, [3, 2, 1], [3, 2, 1]), 2)
  t.equal(lastInList(2, [3, 2, 1], [3, 1]), 3)
  t.equal(lastInList(3, [3, 2, 1], [2, 1]), 0, 'at the head when nobody was before it')
  t.equal(lastInList(9, [3, 2, 1], [2, 1]), 0)
  t.equal(turnBehind(0, [3, 2, 1], [2, 1]), 0)
  t.equal(turnBehind(2, [3, 2, 1], [3, 1]), 1)
  t.equal(turnBehind(1, [3, 2, 1], [3, 2]), 0)
  t.equal(turnBehind(1, [3, 2, 1], []), 0)
})

t.test('wrr begins its level again at the head of the list when a weight changes', async t => {
  const service = new Service('wrr')
  service.change({ 1: 4 })
  service.change({ 1: 4, 2: 2 })
  t.strictSame(service.take(4), [2, 1, 1, 2])
  service.change({ 1: 4, 2: 3 })
  t.strictSame(service.take(4), [2, 1, 1, 2], 'which was the last one')
})

t.test('a real server that cannot be reached has no turn, and the others keep theirs', async t => {
  for (const scheduler of ['rr', 'lc', 'fo'] as const)
    t.strictSame(new Service(scheduler).change({ 1: 1, 2: 1, 3: 1 }, [2]).places, [3, 1], scheduler)
  const service = new Service('wrr')
  t.strictSame(service.change({ 1: 2, 2: 2, 3: 4 }).places, [3, 3, 2, 1])
  t.strictSame(service.change({ 1: 2, 2: 2, 3: 4 }, [2]).places, [3, 3, 1])
  for (const [scheduler, length] of [
    ['sh', 256],
    ['dh', 256],
    ['mh', 4093],
  ] as const)
    t.equal(
      new Service(scheduler).change({ 1: 1, 2: 1 }, [2]).places.length,
      length,
      `${scheduler} does not know`,
    )
})

t.test('a round of wrr is never longer than there is room for', async t => {
  const { places } = new Service('wrr').change({ 1: 65_535, 2: 65_534 })
  t.ok(places.length <= MOST_TURNS && places.length > MOST_TURNS - 10, `${places.length} turns`)
  const share = places.filter(id => id === 1).length / places.length
  t.ok(Math.abs(share - 65_535 / 131_069) < 0.0001, `${share}`)
})

t.test('a list is no longer than a walk over it may be', async t => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [index + 1, 1]))
  for (const scheduler of ['rr', 'wlc'] as const) {
    const service = (count: number) => {
      const members = Object.keys(many(count)).map((id): Member => {
        return { id: Number(id), address: parseAddress('10.0.0.1'), port: 80, weight: 1, lastWeight: 1 }
      })
      return scheduleOf({ scheduler, members, isUp: () => true }, noSchedule, [])
    }
    t.equal(service(4096).places.length, 4096)
    t.throws(() => service(4097), {
      code: 'CONFIG',
      message: `schedule: ${scheduler}: 4097 real servers, expected at most 4096`,
    })
  }
})
