import fc from 'fast-check'
import t from 'tap'
import {
  firstDelayMs,
  initialCheck,
  type Outcome,
  type Schedule,
  stepCheck,
  type Verdict,
} from '../../lib/health/schedule.js'

const seed: Schedule = {
  retry: 1,
  delayBeforeRetrySeconds: 1,
  warmupSeconds: 10,
  delayLoopSeconds: 10,
  alpha: false,
}

/** Runs attempts that take no time, and tells when each began and what was said after it. */
function run(schedule: Schedule, outcomes: readonly Outcome[]) {
  let state = initialCheck(schedule)
  let at = firstDelayMs(schedule, 0) / 1000
  return outcomes.map(outcome => {
    const step = stepCheck(schedule, state, outcome)
    const attempt = { at, up: step.state.up, said: said(step.verdict) }
    state = step.state
    at += step.delayMs / 1000
    return attempt
  })
}

function said(verdict: Verdict | undefined): string {
  if (!verdict) return ''
  const { up, changed, retries } = verdict
  return `${changed ? 'now' : 'is'} ${up ? 'up' : `down after ${retries}`}`
}

const letters = { S: 'success', F: 'failure', U: 'untried' } as const

const table: [title: string, schedule: Partial<Schedule>, outcomes: string, attempts: string[]][] = [
  ['who is healthy is looked at every delay_loop', {}, 'SSS', ['1 up is up', '11 up', '21 up']],
  [
    'who was never seen healthy is forgiven nothing',
    { retry: 5 },
    'FFS',
    ['1 down now down after 0', '11 down', '21 up now up'],
  ],
  [
    'a failure is forgiven, and looked at again after delay_before_retry',
    {},
    'SFSFS',
    ['1 up is up', '11 up', '12 up', '22 up', '23 up'],
  ],
  [
    'retry 3 means the fourth failure in a row',
    { retry: 3, delayBeforeRetrySeconds: 2 },
    'SFFFFF',
    ['1 up is up', '11 up', '13 up', '15 up', '17 down now down after 3', '27 down'],
  ],
  [
    'a success between failures begins the count anew',
    {},
    'SFSFFS',
    ['1 up is up', '11 up', '12 up', '22 up', '23 down now down after 1', '33 up now up'],
  ],
  ['without retry the first failure counts', { retry: 0 }, 'SF', ['1 up is up', '11 down now down after 0']],
  [
    'who came back is forgiven as before',
    {},
    'SFFSFF',
    ['1 up is up', '11 up', '12 down now down after 1', '22 up now up', '32 up', '33 down now down after 1'],
  ],
  [
    'alpha: failed until the first success',
    { alpha: true },
    'FFS',
    ['1 down is down after 0', '11 down', '21 up now up'],
  ],
  ['alpha: one success is enough', { alpha: true, retry: 3 }, 'S', ['1 up now up']],
  [
    'an attempt that could not be made says nothing and forgives nothing',
    {},
    'UFSFUF',
    [
      ...['1 up', '11 down now down after 0', '21 up now up', '31 up'],
      ...['32 up', '42 down now down after 1'],
    ],
  ],
]

for (const [title, settings, outcomes, attempts] of table) {
  t.test(title, async t => {
    const wanted = run(
      { ...seed, ...settings },
      Array.from(outcomes, letter => letters[letter as keyof typeof letters]),
    )
    t.same(
      wanted.map(({ at, up, said }) => `${at} ${up ? 'up' : 'down'} ${said}`.trim()),
      attempts,
    )
  })
}

t.test('the first attempt comes after a second and a random part of the warm-up', async t => {
  t.same(
    [0, 0.25, 1].map(random => firstDelayMs(seed, random)),
    [1000, 3500, 11_000],
  )
  t.equal(firstDelayMs({ ...seed, warmupSeconds: 0 }, 1), 1000)
})

t.test(
  'whatever happens, a target is down exactly after its last success lies too many failures back',
  async t => {
    const outcome = fc.constantFrom<Outcome>('success', 'failure', 'untried')
    const schedule = fc.record({
      retry: fc.nat(4),
      delayBeforeRetrySeconds: fc.constant(1),
      warmupSeconds: fc.constant(0),
      delayLoopSeconds: fc.constant(10),
      alpha: fc.boolean(),
    })
    const property = fc.property(schedule, fc.array(outcome, { maxLength: 40 }), (schedule, outcomes) => {
      let wasUp = !schedule.alpha
      run(schedule, outcomes).forEach(({ up, said }, index) => {
        const seen = outcomes.slice(0, index + 1).filter(outcome => outcome !== 'untried')
        const failures = seen.length - 1 - seen.lastIndexOf('success')
        const neverUp = !seen.includes('success')
        const wanted = seen.length === 0 ? !schedule.alpha : neverUp ? false : failures <= schedule.retry
        if (up !== wanted) throw new Error(`${index}: ${up}`)
        if (said.startsWith('now') !== (up !== wasUp)) throw new Error(`${index}: ${said}`)
        if (said.startsWith('is') !== (up === wasUp && seen.length === 1 && outcomes[index] !== 'untried')) {
          throw new Error(`${index}: ${said}`)
        }
        wasUp = up
      })
    })
    t.doesNotThrow(() => fc.assert(property))
  },
)

t.test('only a forgiven failure is looked at again sooner than delay_loop', async t => {
  const outcomes = fc.array(fc.constantFrom<Outcome>('success', 'failure', 'untried'), { minLength: 1 })
  const property = fc.property(fc.nat(3), fc.boolean(), outcomes, (retry, alpha, outcomes) => {
    const attempts = run({ ...seed, retry, alpha }, [...outcomes, 'untried'])
    return outcomes.every((outcome, index) => {
      const [attempt, next] = [attempts[index], attempts[index + 1]]
      const forgiven = outcome === 'failure' && attempt?.up
      return attempt && next && next.at - attempt.at === (forgiven ? 1 : 10)
    })
  })
  t.doesNotThrow(() => fc.assert(property))
})
