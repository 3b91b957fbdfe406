import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from '../../lib/address.js'
import type { Instance } from '../../lib/vrrp/instance.js'
import { initialState, nextDeadline, step } from '../../lib/vrrp/machine.js'
import { type Action, type Fault, type Input, never, type VrrpState } from '../../lib/vrrp/state.js'
import { downMs } from '../../lib/vrrp/timing.js'
import { lb1, lb2, makeInstance } from './instances.js'

// Whatever happens to an instance, in whatever order.

const at = fc.nat(60_000)
const faults = fc.constantFrom<Fault>('link', 'source')
const heard = fc.record({
  source: fc.constantFrom(lb1, lb2, parseAddress('10.0.0.13')),
  priority: fc.constantFrom(0, 1, 50, 100, 101, 255),
  intervalMs: fc.constant(1000),
})
const input = fc.oneof<fc.Arbitrary<Input>[]>(
  fc.record({
    type: fc.constant('start'),
    at,
    faults: fc.array(faults, { maxLength: 2 }),
    inherited: fc.boolean(),
  }),
  fc.record({ type: fc.constant('timer'), at }),
  fc.record({ type: fc.constant('timer'), at }),
  fc.record({ type: fc.constant('advert'), at, heard }),
  fc.record({ type: fc.constant('fault'), at, fault: faults }),
  fc.record({ type: fc.constant('recovery'), at, fault: faults }),
  fc.record({ type: fc.constant('addressLost'), at }),
  fc.record({ type: fc.constant('stop'), at }),
)
const instance = fc
  .record({
    priority: fc.constantFrom(1, 100, 255),
    state: fc.constantFrom<Instance['state']>('MASTER', 'BACKUP'),
    preempt: fc.boolean(),
    preemptDelaySeconds: fc.constantFrom(0, 5),
    garpMasterDelaySeconds: fc.constantFrom(0, 5),
    garpMasterRefreshSeconds: fc.constantFrom(0, 10),
    garpLowerPrioDelaySeconds: fc.constantFrom(0, 5),
  })
  .map(makeInstance)
/** Moments in any order: the clock goes back as often as forth. Sorted they are what really happens. */
const history = fc
  .tuple(fc.array(input, { minLength: 5, maxLength: 60 }), fc.boolean())
  .map(([inputs, sorted]) => (sorted ? inputs.sort((a, b) => a.at - b.at) : inputs))

/** Calls back after each input, with what it was given. */
function live(
  instance: Instance,
  inputs: readonly Input[],
  check: (before: VrrpState, input: Input, after: VrrpState, actions: readonly Action[]) => void,
): void {
  let state = initialState
  for (const input of inputs) {
    const [next, actions] = step(instance, state, input)
    check(state, input, next, actions)
    state = next
  }
}

t.test('the addresses are with a master, or with a heir who has heard nobody, and nowhere else', async () => {
  fc.assert(
    fc.property(instance, history, (instance, inputs) => {
      let owned = false
      live(instance, inputs, (before, input, after, actions) => {
        if (input.type === 'start' && ['INIT', 'STOP'].includes(before.state))
          owned = input.inherited ?? false
        for (const { type } of actions) if (type === 'addAddresses') owned = true
        for (const { type } of actions) if (type === 'removeAddresses') owned = false
        equal(owned, after.state === 'MASTER' || (after.state === 'BACKUP' && after.inherited))
      })
    }),
    { numRuns: 300 },
  )
})

t.test('only a master advertises, and priority 0 is the last that is heard of it', async () => {
  fc.assert(
    fc.property(instance, history, (instance, inputs) => {
      live(instance, inputs, (before, _, after, actions) => {
        const sent = actions.flatMap(action => (action.type === 'send' ? [action.priority] : []))
        if (sent.includes(0)) {
          deepStrictEqual(sent, [0])
          equal(before.state, 'MASTER')
          ok(['FAULT', 'STOP'].includes(after.state))
        } else if (sent.length > 0) {
          deepStrictEqual(sent, [instance.priority])
          ok([before.state, after.state].includes('MASTER'))
        }
      })
    }),
    { numRuns: 300 },
  )
})

t.test('every change of state is told once, and nothing else is', async () => {
  fc.assert(
    fc.property(instance, history, (instance, inputs) => {
      live(instance, inputs, (before, _, after, actions) => {
        const told = actions.flatMap(action => (action.type === 'become' ? [action.state] : []))
        deepStrictEqual(told, before.state === after.state ? [] : [after.state])
      })
    }),
    { numRuns: 300 },
  )
})

t.test('a backup and a master wait for something, which is not far, and others for nothing', async () => {
  fc.assert(
    fc.property(instance, history, (instance, inputs) => {
      let latest = 0
      live(instance, inputs, (_, { at }, after) => {
        latest = Math.max(latest, at)
        const isWaiting = after.state === 'BACKUP' || after.state === 'MASTER'
        equal(nextDeadline(after) < never, isWaiting)
        if (isWaiting) ok(nextDeadline(after) <= latest + downMs(instance, 1000))
      })
    }),
    { numRuns: 300 },
  )
})

t.test('what is due is done: after a timer nothing is due any more', async () => {
  fc.assert(
    fc.property(instance, history, (instance, inputs) => {
      live(instance, inputs, (_, { at }, after) => {
        const [rested] = step(instance, after, { type: 'timer', at })
        ok(nextDeadline(rested) > at)
      })
    }),
    { numRuns: 300 },
  )
})

t.test('no announcement of a master is planned twice', async () => {
  fc.assert(
    fc.property(instance, history, (instance, inputs) => {
      live(instance, inputs, (_, __, after) => {
        if (after.state !== 'MASTER') return
        const kinds = after.announcements.map(({ because }) => because)
        equal(new Set(kinds).size, kinds.length)
      })
    }),
    { numRuns: 300 },
  )
})
