import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from '../../../lib/address.js'
import { listed, type Member, stepsBetween } from '../../../lib/dataplane/schedulers/member.js'
import {
  boundedMembers,
  firstTurnAt,
  type Level,
  levelAfterChange,
  levelBefore,
  noLevel,
  weightedRound,
} from '../../../lib/dataplane/schedulers/weighted-round.js'
import { roundLength } from '../../../lib/weights.js'

/** A real 10.0.0.N of the id N. */
function member(id: number, weight = 1): Member {
  return { id, address: parseAddress(`10.0.0.${id}`), port: 80, weight, lastWeight: weight }
}

/** Members in this order, the first with the id 71. */
function members(...weights: readonly number[]): Member[] {
  return weights.map((weight, index) => member(71 + index, weight))
}

/** A service as the tables keep it: a round, the turn that is next, and the level since the last change. */
class Rounds {
  #members: readonly Member[] = []
  #level: Level = noLevel
  #round: readonly number[] = []
  #begun = 0
  #next = 0

  change(members: readonly Member[]): void {
    if (this.#next !== this.#begun)
      this.#level = {
        ...this.#level,
        level: levelBefore(this.#round, this.#next % this.#round.length, this.#level.step),
      }
    this.#level = levelAfterChange(this.#level, members)
    this.#members = members
    this.#round = weightedRound(members)
    this.#begun = firstTurnAt(this.#level, this.#members)
    this.#next = this.#begun
  }

  take(): number | undefined {
    return this.#round[this.#next++ % this.#round.length]
  }
}

/** What ip_vs_wrr.c does, the way it does it: a place in the list and a weight to reach. */
class Walk {
  #members: readonly Member[] = []
  #at = -1
  #reach = 0

  change(members: readonly Member[]): void {
    this.#members = members
    this.#at = -1
    const { step, top } = this.#measures()
    if (this.#reach > top || this.#reach === 0) this.#reach = top
    else if (step > 1) this.#reach = Math.floor(this.#reach / step) * step + 1
  }

  take(): number | undefined {
    const { step, top } = this.#measures()
    if (top === 0) return undefined
    for (;;) {
      const member = this.#members[++this.#at]
      if (member && member.weight >= this.#reach) return member.id
      if (member) continue
      this.#at = -1
      this.#reach -= step
      if (this.#reach <= 0) this.#reach = top
    }
  }

  #measures(): { step: number; top: number } {
    const divides = (step: number) => this.#members.every(({ weight }) => weight % step === 0)
    const highest = Math.max(0, ...this.#members.map(({ weight }) => weight))
    let step = highest || 1
    while (!divides(step)) step--
    return { step, top: highest - (step - 1) }
  }
}

t.test('a round of wrr', async t => {
  t.test('gives every level to all whose weight reaches it, as IPVS does', async t => {
    t.strictSame(weightedRound(members(5, 1)), [71, 71, 71, 71, 71, 72])
    t.strictSame(weightedRound(members(2, 3, 4)), [73, 72, 73, 71, 72, 73, 71, 72, 73])
    t.strictSame(weightedRound(members(4, 2, 6)), [73, 71, 73, 71, 72, 73], 'in steps of the common divisor')
    t.strictSame(weightedRound(members(3, 0, 3)), [71, 73], 'and nothing to weight 0')
    t.strictSame(weightedRound(members(0, 0)), [])
    t.strictSame(weightedRound([]), [])
  })

  t.test('goes on as real IPVS went on when real servers were added one by one', async t => {
    const picks = (...weights: readonly number[]) => {
      const rounds = new Rounds()
      const added = members(...weights)
      for (let count = 1; count <= added.length; count++) rounds.change(added.slice(0, count).reverse())
      return Array.from({ length: 14 }, () => rounds.take())
    }
    t.strictSame(picks(4, 3, 2), [73, 72, 71, 71, 72, 71, 73, 72, 71, 73, 72, 71, 71, 72])
    t.strictSame(picks(6, 2, 4), [73, 72, 71, 71, 73, 71, 73, 72, 71, 71, 73, 71, 73, 72])
    t.strictSame(picks(1, 5), [72, 71, 72, 72, 72, 72, 72, 71, 72, 72, 72, 72, 72, 71])
  })

  t.test('goes on like IPVS’s walk over the list after any change at any moment', async () => {
    const weight = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom(0, 60, 90, 100))
    const change = fc.record({
      weights: fc.array(weight, { maxLength: 5 }),
      picks: fc.integer({ min: 0, max: 40 }),
    })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), changes => {
        const rounds = new Rounds()
        const walk = new Walk()
        return changes.every(({ weights, picks }) => {
          rounds.change(members(...weights))
          walk.change(members(...weights))
          return Array.from({ length: picks }).every(() => rounds.take() === walk.take())
        })
      }),
      { numRuns: 2000 },
    )
  })

  t.test('is kept within bounds in proportion', async t => {
    const huge = members(65_535, 65_534, 1, 0)
    t.equal(roundLength(huge.map(({ weight }) => weight)), 131_070)
    const bounded = boundedMembers(huge, 10_000)
    t.strictSame(
      bounded.map(({ weight }) => weight),
      [4998, 4998, 1, 0],
    )
    t.ok(weightedRound(bounded).length <= 10_000)
    t.equal(boundedMembers(members(60_000, 30_000), 10_000)[0]?.weight, 60_000, 'but not if it fits as it is')
  })
})

t.test('a list of IPVS', async t => {
  const list = (before: readonly number[], wanted: readonly number[]) =>
    listed(
      before.map(id => member(id)),
      wanted.map(id => member(id)),
    ).map(({ id }) => id)
  t.strictSame(list([], [1, 2, 3]), [3, 2, 1], 'has the real server first that came last')
  t.strictSame(list([3, 2, 1], [4, 1, 2, 5, 3]), [5, 4, 3, 2, 1], 'and the others stay where they are')
  t.strictSame(list([3, 2, 1], [1, 3]), [3, 1], 'when others leave, too')

  t.test('remembers the last weight that was not 0', async t => {
    const weighed = (weights: readonly number[]) =>
      weights.reduce<Member[]>((before, weight) => listed(before, [member(71, weight)]), [])[0]?.lastWeight
    t.equal(weighed([3]), 3)
    t.equal(weighed([3, 0, 0]), 3)
    t.equal(weighed([3, 0, 2]), 2)
    t.equal(weighed([0]), 0)
  })

  t.test('becomes another one by single changes', async t => {
    const shown = (before: readonly Member[], after: readonly Member[]) =>
      stepsBetween(before, after).map(step => step.map(({ id, weight }) => `${id}:${weight}`).join(' '))
    const before = [member(3, 5), member(2, 5), member(1, 5)]
    t.strictSame(shown(before, before), [])
    t.strictSame(shown(before, listed(before, [member(1, 7), member(4, 5), member(3, 6), member(5, 5)])), [
      '3:5 1:5',
      '3:6 1:5',
      '3:6 1:7',
      '4:5 3:6 1:7',
      '5:5 4:5 3:6 1:7',
    ])
  })
})
