import t from 'tap'
import { type Address, parseAddress } from '../../lib/address.js'
import type { Instance } from '../../lib/vrrp/instance.js'
import { initialState, nextDeadline, step } from '../../lib/vrrp/machine.js'
import { type Action, type Fault, type Input, never, type VrrpState } from '../../lib/vrrp/state.js'
import { downMs, skewMs } from '../../lib/vrrp/timing.js'
import { lb1, lb2, makeInstance, virtual } from './instances.js'

const node = makeInstance()
const DOWN = 3000 + (156 * 1000) / 256
const SKEW = (156 * 1000) / 256

const started: Input = { type: 'start', at: 0 }
const tick = (at: number): Input => ({ type: 'timer', at })
const hear = (at: number, priority: number, source: Address = lb1, intervalMs = 1000): Input => ({
  type: 'advert',
  at,
  heard: { source, priority, intervalMs },
})
const fault = (at: number, fault: Fault): Input => ({ type: 'fault', at, fault })
const recovery = (at: number, fault: Fault): Input => ({ type: 'recovery', at, fault })

/** The state after all inputs, and what the last of them asked for, a word an action. */
function after(instance: Instance, ...inputs: Input[]): { state: VrrpState; asked: string[] } {
  let [state, asked]: [VrrpState, readonly Action[]] = [initialState, []]
  for (const input of inputs) [state, asked] = step(instance, state, input)
  return { state, asked: asked.map(worded) }
}

function worded(action: Action): string {
  switch (action.type) {
    case 'send':
      return `send ${action.priority}`
    case 'announce':
      return `announce ${action.times}`
    case 'become':
      return `become ${action.state}`
    case 'event':
      return action.event
    case 'log':
      return action.text
    default:
      return action.type
  }
}

/** The inputs that make a master, at the moment DOWN. */
const mastery = [started, tick(DOWN)]

t.test('an instance that starts', async t => {
  t.test('is a backup, and waits three adverts and its skew for a master', async t => {
    const { state, asked } = after(node, started)
    t.match(state, { state: 'BACKUP' })
    t.strictSame(asked, ['(external) Entering BACKUP STATE (init)', 'become BACKUP'])
    t.equal(nextDeadline(state), 3609.375)
  })

  t.test('waits no less with "state MASTER", unless it owns the addresses', async t => {
    t.equal(nextDeadline(after({ ...node, state: 'MASTER' }, started).state), DOWN)
    const owner = { ...node, priority: 255 }
    t.equal(nextDeadline(after(owner, started).state), 3000 + 1000 / 256)
    const { state, asked } = after({ ...owner, state: 'MASTER' }, started)
    t.match(state, { state: 'MASTER' })
    t.equal(asked[0], 'send 255')
  })

  t.test('begins with a fault when something is broken', async t => {
    const { state, asked } = after(node, { type: 'start', at: 0, faults: ['link'] })
    t.match(state, { state: 'FAULT' })
    t.strictSame(asked, ['(external) Entering FAULT STATE (init)', 'become FAULT'])
  })

  t.test('tells unicast peers where it is', async t => {
    const { asked } = after({ ...node, unicastPeers: virtual('10.0.0.11') }, started)
    t.equal(asked.at(-1), 'announceSource')
  })
})

t.test('a backup', async t => {
  t.test('becomes master when nobody is heard: advert, addresses, announcements, in this order', async t => {
    const { state, asked } = after(node, ...mastery)
    t.match(state, { state: 'MASTER', advertAt: DOWN + 1000 })
    t.strictSame(asked, [
      '(external) Receive advertisement timeout',
      'send 100',
      '(external) Entering MASTER STATE',
      '(external) setting VIPs.',
      'addAddresses',
      'announce 5',
      'become MASTER',
    ])
  })

  t.test('does nothing before that', async t => {
    const before = after(node, started).state
    t.strictSame(step(node, before, tick(DOWN - 0.001)), [before, []])
  })

  t.test('waits anew with every advert of a master of higher or equal priority', async t => {
    for (const priority of [200, 100]) {
      const { state, asked } = after(node, started, hear(500, priority))
      t.match(state, { state: 'BACKUP', downAt: 500 + DOWN, master: { source: lb1, priority } })
      t.strictSame(asked, [])
    }
  })

  t.test('takes over within its skew when the master gives up', async t => {
    const { state, asked } = after(node, started, hear(500, 200), hear(900, 0))
    t.match(state, { downAt: 900 + SKEW })
    t.strictSame(asked, ['(external) Backup received priority 0 advertisement'])
  })

  t.test('does not wait for a master of lower priority', async t => {
    const { state, asked } = after(node, started, hear(500, 50))
    t.match(state, { downAt: DOWN, master: { source: lb1, priority: 50 } })
    t.strictSame(asked, ['(external) received lower priority (50) advert from 10.0.0.11 - discarding'])
  })

  t.test('waits for one of lower priority with nopreempt', async t => {
    const { state, asked } = after({ ...node, preempt: false }, started, hear(500, 50))
    t.match(state, { downAt: 500 + DOWN })
    t.strictSame(asked, [])
  })

  t.test('waits for one of lower priority as long as preempt_delay says', async t => {
    const patient = { ...node, preemptDelaySeconds: 10 }
    const adverts = Array.from({ length: 10 }, (_, second) => hear(500 + second * 1000, 50))
    t.match(after(patient, started, ...adverts).state, { downAt: 9500 + DOWN })
    const { state, asked } = after(patient, started, ...adverts, hear(10_500, 50))
    t.match(state, { downAt: 9500 + DOWN })
    t.match(asked, [/discarding$/])
  })

  t.test('begins preempt_delay anew after a master that was better', async t => {
    const patient = { ...node, preemptDelaySeconds: 2 }
    const { state } = after(patient, started, hear(500, 50), hear(1500, 200), hear(2600, 50), hear(4500, 50))
    t.match(state, { downAt: 4500 + DOWN }, 'the delay has begun at 2600')
  })

  t.test('listens again when it wakes up too late to have heard a master', async t => {
    const { state, asked } = after(node, started, tick(DOWN + 1001))
    t.match(state, { state: 'BACKUP', downAt: DOWN + 1001 + 1000 + SKEW })
    t.match(asked, ['(external) overslept by 1001 ms, listening for a master before taking over'])
    t.match(
      after(node, started, tick(DOWN + 1000)).state,
      { state: 'MASTER' },
      'a little late does not matter',
    )
  })

  t.test('takes over the interval of the master in version 3, and keeps to its own as master', async t => {
    const v3 = { ...node, version: 3, advertIntervalSeconds: 1 } as const
    const learned = after(v3, started, hear(500, 200, lb1, 2000)).state
    t.match(learned, { downAt: 500 + 3 * 2000 + (156 * 2000) / 256 })
    t.match(step(v3, learned, hear(600, 0))[0], { downAt: 600 + (156 * 2000) / 256 })
    t.match(step(v3, learned, tick(nextDeadline(learned)))[0], { advertAt: nextDeadline(learned) + 1000 })
  })
})

t.test('a backup whose predecessor left the addresses behind', async t => {
  const heir: Input = { type: 'start', at: 0, inherited: true }
  const removal = ['(external) removing VIPs.', 'removeAddresses']

  t.test('keeps them until another master is heard, whatever its priority', async t => {
    t.notMatch(after(node, heir).asked, ['removeAddresses'])
    for (const priority of [200, 50]) {
      t.strictSame(after(node, heir, hear(500, priority)).asked.slice(0, 2), removal)
      t.notOk(after(node, heir, hear(500, priority), hear(600, priority)).asked.includes('removeAddresses'))
    }
  })

  t.test(
    'is master again before the others miss it, when nobody else is heard within an interval',
    async t => {
      t.equal(nextDeadline(after(node, heir).state), 1000 + SKEW)
      t.match(after(node, heir, tick(1000 + SKEW)).state, { state: 'MASTER' })
      t.match(after(node, heir, hear(500, 200), tick(1000 + SKEW)).state, {
        state: 'BACKUP',
        downAt: 500 + DOWN,
      })
    },
  )

  t.test('keeps them when a master only says that it leaves', async t => {
    t.notOk(after(node, heir, hear(500, 0)).asked.includes('removeAddresses'))
  })

  t.test('lets go of them when it stops or breaks, without a word to the others', async t => {
    t.strictSame(after(node, heir, { type: 'stop', at: 1 }).asked, [...removal, 'become STOP'])
    t.strictSame(after(node, heir, fault(1, 'link')).asked.slice(1), [...removal, 'become FAULT'])
    const broken: Input = { type: 'start', at: 0, inherited: true, faults: ['link'] }
    t.strictSame(after(node, broken).asked.slice(1), [...removal, 'become FAULT'])
  })
})

t.test('a master', async t => {
  t.test('advertises itself once an interval', async t => {
    const { state, asked } = after(node, ...mastery, tick(DOWN + 1000))
    t.match(state, { advertAt: DOWN + 2000 })
    t.strictSame(asked, ['send 100'])
  })

  t.test('yields to a higher priority, and says a last time that it was master', async t => {
    const { state, asked } = after(node, ...mastery, hear(5000, 200))
    t.match(state, { state: 'BACKUP', downAt: 5000 + DOWN, master: { source: lb1, priority: 200 } })
    t.strictSame(asked, [
      '(external) Master received advert from 10.0.0.11 with higher priority 200, ours 100',
      'send 100',
      '(external) Entering BACKUP STATE',
      '(external) removing VIPs.',
      'removeAddresses',
      'become BACKUP',
    ])
  })

  t.test('yields to an equal priority with a higher address, in numbers', async t => {
    const [low, high] = [parseAddress('10.0.0.9'), parseAddress('10.0.0.100')]
    const { state, asked } = after({ ...node, source: low }, ...mastery, hear(5000, 100, high))
    t.match(state, { state: 'BACKUP' })
    t.match(asked, [
      '(external) Master received advert from 10.0.0.100 with same priority 100 but higher IP address than ours',
    ])
    t.match(after({ ...node, source: high }, ...mastery, hear(5000, 100, low)).state, { state: 'MASTER' })
  })

  t.test('yields with nopreempt, too', async t => {
    t.match(after({ ...node, preempt: false }, ...mastery, hear(5000, 200)).state, { state: 'BACKUP' })
  })

  t.test('answers a lower priority, and announces the addresses now and once more', async t => {
    const { state, asked } = after(node, ...mastery, hear(4500, 50))
    t.strictSame(asked, [
      '(external) Received advert from 10.0.0.11 with lower priority 50, ours 100, forcing new election',
      'send 100',
      'announce 5',
      'MASTER_RX_LOWER_PRI',
    ])
    t.match(state, { state: 'MASTER', advertAt: 5500 })
    const [, again] = step(
      { ...node, advertIntervalSeconds: 9 },
      { ...state, ...{ advertAt: 99_999 } },
      tick(9500),
    )
    t.strictSame(
      again.map(worded),
      ['announce 5', 'announce 5'],
      'that of becoming master, and that of the conflict',
    )
  })

  t.test('answers without announcing when garp_lower_prio_repeat is 0', async t => {
    const { asked } = after({ ...node, garpLowerPrioRepeat: 0 }, ...mastery, hear(4500, 50))
    t.strictSame(asked.slice(1), ['send 100', 'MASTER_RX_LOWER_PRI'])
  })

  t.test('answers one that gives up', async t => {
    const { state, asked } = after(node, ...mastery, hear(4500, 0))
    t.match(state, { state: 'MASTER', advertAt: 5500 })
    t.strictSame(asked, ['send 100', '(external) Master received priority 0 message'])
  })

  t.test('warns of somebody with its own address, and stays', async t => {
    const { state, asked } = after(node, ...mastery, hear(4500, 100, lb2))
    t.match(state, { state: 'MASTER', advertAt: DOWN + 1000 })
    t.match(asked, [/equal priority advert received from remote host with our IP address\.$/])
  })

  t.test('announces the addresses again when it overslept so long that another may have', async t => {
    const { asked } = after(node, ...mastery, tick(DOWN + 3000))
    t.match(asked, [
      'send 100',
      '(external) overslept by 2000 ms, announcing the addresses again',
      'announce 5',
    ])
    t.strictSame(after(node, ...mastery, tick(DOWN + 2999)).asked, ['send 100'])
  })

  t.test(
    'puts addresses back that somebody took away, at once but not more often than once an interval',
    async t => {
      const lost = (at: number): Input => ({ type: 'addressLost', at })
      const once = after(node, ...mastery, lost(4000))
      t.equal(nextDeadline(once.state), 4000)
      const restored = after(node, ...mastery, lost(4000), tick(4000))
      t.strictSame(restored.asked, [
        '(external) somebody removed a VIP, setting it again',
        'addAddresses',
        'announce 5',
      ])
      t.match(after(node, ...mastery, lost(4000), tick(4000), lost(4001)).state, { restoreAt: 5000 })
    },
  )

  t.test('gives up when it stops', async t => {
    const { state, asked } = after(node, ...mastery, { type: 'stop', at: 5000 })
    t.strictSame(state, { state: 'STOP' })
    t.strictSame(asked, [
      'send 0',
      '(external) sent 0 priority',
      '(external) removing VIPs.',
      'removeAddresses',
      'become STOP',
    ])
  })
})

t.test('announcements of a master', async t => {
  /** When each of them comes, in seconds since the node became master, for a minute. */
  function announcements(different: Partial<Instance>): [seconds: number, times: number][] {
    const instance = { ...node, ...different }
    const heard: [number, number][] = []
    let [state, actions] = step(instance, after(instance, started).state, tick(DOWN))
    for (let at = DOWN; at <= DOWN + 60_000; at = nextDeadline(state)) {
      if (at > DOWN) [state, actions] = step(instance, state, tick(at))
      for (const action of actions)
        if (action.type === 'announce') heard.push([(at - DOWN) / 1000, action.times])
    }
    return heard
  }

  t.test('are five rounds at once, and five after five seconds', async t => {
    t.strictSame(announcements({}), [
      [0, 5],
      [5, 5],
    ])
  })

  t.test('are not repeated with garp_master_delay 0', async t => {
    t.strictSame(announcements({ garpMasterDelaySeconds: 0, garpMasterRepeat: 2 }), [[0, 2]])
  })

  t.test('come again every garp_master_refresh, from the second burst on', async t => {
    const refreshing = { garpMasterRefreshSeconds: 20, garpMasterRefreshRepeat: 3 }
    t.strictSame(announcements(refreshing), [
      [0, 5],
      [5, 5],
      [25, 3],
      [45, 3],
    ])
  })
})

t.test('a fault', async t => {
  t.test(
    'of a backup makes it deaf until all is well, and then a backup that waits the whole time',
    async t => {
      const broken = [started, fault(100, 'link'), fault(200, 'source')]
      t.strictSame(after(node, ...broken.slice(0, 2)).asked, [
        '(external) Entering FAULT STATE',
        'become FAULT',
      ])
      t.equal(nextDeadline(after(node, ...broken).state), never)
      t.strictSame(after(node, ...broken, hear(300, 200), tick(9000)).asked, [])
      t.match(after(node, ...broken, recovery(9000, 'link')).state, { state: 'FAULT' })
      const { state, asked } = after(node, ...broken, recovery(9000, 'link'), recovery(9500, 'source'))
      t.match(state, { state: 'BACKUP', downAt: 9500 + DOWN })
      t.strictSame(asked, ['(external) Entering BACKUP STATE', 'become BACKUP'])
    },
  )

  t.test('of a master makes it give up first', async t => {
    const { state, asked } = after(node, ...mastery, fault(5000, 'source'))
    t.match(state, { state: 'FAULT' })
    t.strictSame(asked, [
      '(external) Entering FAULT STATE',
      'send 0',
      '(external) sent 0 priority',
      '(external) removing VIPs.',
      'removeAddresses',
      'become FAULT',
    ])
  })

  t.test('ends with a stop', async t => {
    t.strictSame(after(node, started, fault(1, 'link'), { type: 'stop', at: 2 }).asked, ['become STOP'])
  })
})

t.test('an instance that is stopped does nothing until it is started again', async t => {
  const stopped = [started, { type: 'stop', at: 1 } as const]
  for (const input of [
    tick(9000),
    hear(2, 200),
    fault(2, 'link'),
    recovery(2, 'link'),
    { type: 'stop', at: 2 } as const,
  ]) {
    t.strictSame(after(node, ...stopped, input), { state: { state: 'STOP' }, asked: [] })
  }
  t.match(after(node, ...stopped, { type: 'start', at: 10 }).state, { state: 'BACKUP' })
})

t.test('the skew lets the highest priority come first', async t => {
  t.equal(skewMs({ ...node, priority: 254 }, 1000), 7.8125)
  t.equal(skewMs({ ...node, priority: 1 }, 1000), 996.09375)
  t.equal(downMs({ ...node, advertIntervalSeconds: 2 }, 2000), 6000 + SKEW)
})
