import { deepStrictEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from '../../lib/address.js'
import type { Instance } from '../../lib/vrrp/instance.js'
import { downMs, skewMs } from '../../lib/vrrp/timing.js'
import { lb1, lb2, makeInstance, virtual } from './instances.js'
import { LATENCY_MS, Network, type Node } from './network.js'

const start = { type: 'start' } as const
const stop = { type: 'stop' } as const

/** Two nodes, not started: the one that shall be master first. */
function pair(different: Partial<Instance> = {}, master: Partial<Instance> = {}) {
  const network = new Network()
  const better = network.add(makeInstance({ priority: 200, source: lb1, ...different, ...master }))
  const worse = network.add(makeInstance({ priority: 100, source: lb2, ...different }))
  return { network, better, worse }
}

/** Two nodes, of which the better has been master for a while. */
function settledPair(different: Partial<Instance> = {}, master: Partial<Instance> = {}) {
  const { network, better, worse } = pair(different, master)
  better.take(start)
  network.run(5000)
  worse.take(start)
  network.run(5300)
  return { network, better, worse }
}

const ADVERT_MS = 1000
const down = ({ instance }: Node) => downMs(instance, instance.advertIntervalSeconds * 1000)
const skew = ({ instance }: Node) => skewMs(instance, instance.advertIntervalSeconds * 1000)
const unicastPair = [{ unicastPeers: virtual('10.0.0.11', '10.0.0.12') }] as const

t.test('two nodes', async t => {
  t.test(
    'that start together have the better one as master after its wait, and the other keeps quiet',
    async t => {
      const { network, better, worse } = pair()
      better.take(start)
      worse.take(start)
      network.run(60_000)
      t.strictSame(network.masters(), [lb1])
      t.strictSame(better.became[0], { state: 'MASTER', at: down(better) })
      t.equal(worse.lastSentAt, Number.NEGATIVE_INFINITY)
    },
  )

  t.test('of equal priority have the one with the higher address as master', async t => {
    const { network } = pair({ priority: 150 }, { priority: 150 })
    for (const node of network.nodes) node.take(start)
    network.run(5000)
    t.strictSame(network.masters(), [lb2])
  })

  t.test('agree in version 3 with intervals that differ', async t => {
    const { network, worse } = settledPair(
      { version: 3, advertIntervalSeconds: 0.1 },
      { advertIntervalSeconds: 2 },
    )
    t.strictSame(network.masters(), [lb1])
    const changes = worse.became.length // it may not wait long enough for the first advert
    network.run(60_000)
    t.strictSame([network.masters(), worse.became.length], [[lb1], changes])
  })

  for (const [how, peers] of [
    ['in a multicast group', {}],
    ['that know each other by address', ...unicastPair],
  ] as const) {
    t.test(`${how}: the backup follows a dead master three adverts and its skew after the last`, async t => {
      const { network, better, worse } = settledPair(peers)
      better.kill()
      network.run(down(worse) + LATENCY_MS)
      t.strictSame(worse.became[0], { state: 'MASTER', at: better.lastSentAt + LATENCY_MS + down(worse) })
    })

    t.test(`${how}: the backup follows a master that stops within its skew`, async t => {
      const { network, better, worse } = settledPair(peers)
      better.take(stop)
      const stopped = network.now
      network.run(1000)
      t.strictSame(worse.became[0], { state: 'MASTER', at: stopped + LATENCY_MS + skew(worse) })
      t.strictSame(network.owners(), [lb2])
    })
  }

  t.test(
    'follow one another when a link fails: at once when the node can say so, and without a fight when it is back',
    async t => {
      const { network, better, worse } = settledPair()
      better.take({ type: 'fault', fault: 'link' })
      network.run(skew(worse) + 1)
      t.strictSame(network.owners(), [lb2])
      better.take({ type: 'recovery', fault: 'link' })
      network.run(down(better) + 1)
      t.strictSame(network.owners(), [lb1])
    },
  )

  t.test('never answer both for longer than a packet takes when the better one returns', async t => {
    const { network, better, worse } = settledPair()
    better.take(stop)
    network.run(10_000)
    better.take(start)
    const back = network.now
    network.run(down(better))
    t.strictSame(better.became[0], { state: 'MASTER', at: back + down(better) })
    network.run(LATENCY_MS)
    t.strictSame(worse.became[0], { state: 'BACKUP', at: back + down(better) + LATENCY_MS })
    t.strictSame(network.owners(), [lb1])
  })

  t.test('leave the addresses where they are with nopreempt', async t => {
    const { network, better } = settledPair({ preempt: false })
    better.take(stop)
    network.run(10_000)
    better.take(start)
    network.run(60_000)
    t.strictSame(network.masters(), [lb2])
  })

  t.test('leave them as long as preempt_delay says, and three adverts more', async t => {
    const { network, better } = settledPair({ preemptDelaySeconds: 20 })
    better.take(stop)
    network.run(10_000)
    better.take(start)
    network.run(20_000)
    t.strictSame(network.masters(), [lb2])
    network.run(1000 + down(better))
    t.strictSame(network.masters(), [lb1])
  })

  t.test(
    'are both master when they cannot hear each other, and one is as soon as they can, which announces itself',
    async t => {
      // whichever of the two is heard first, which the moment decides
      for (let afterMs = 0; afterMs < ADVERT_MS; afterMs += 100) {
        const { network, better } = settledPair()
        network.weather = () => false
        network.run(20_000 + afterMs)
        t.strictSame(network.masters(), [lb1, lb2])
        network.weather = () => true
        const healed = network.now
        network.run(ADVERT_MS + 2 * LATENCY_MS)
        t.strictSame(network.owners(), [lb1])
        t.ok((better.announced.at(-1) ?? 0) > healed)
        t.ok(
          better.logged.includes(
            '(external) Received advert from 10.0.0.12 with lower priority 100, ours 200, forcing new election',
          ),
        )
      }
    },
  )

  t.test('are one master when only the worse one can be heard', async t => {
    const { network, better, worse } = settledPair()
    network.weather = from => from === worse
    network.run(10_000)
    t.strictSame(network.masters(), [lb1, lb2], 'which no protocol can know')
    network.weather = from => from === better
    network.run(1000 + LATENCY_MS)
    t.strictSame(network.owners(), [lb1])
  })

  t.test('with different passwords are both master, and both say who the other is', async t => {
    const { network, better, worse } = settledPair(
      {},
      { authentication: { type: 'PASS', password: 'other' } },
    )
    t.strictSame(network.masters(), [lb1, lb2])
    for (const [node, other] of [
      [better, lb2],
      [worse, lb1],
    ] as const) {
      t.match(node.judgements.at(-1), { check: 'password', rival: { source: other } })
      t.ok(node.logged.includes(`(external) received an invalid passwd from ${other}!`))
    }
  })

  t.test('hear the whole time from a master that is pelted with packets it refuses', async t => {
    const { network, better, worse } = settledPair()
    const stranger = network.add(
      makeInstance({
        authentication: { type: 'PASS', password: 'x' },
        source: parseAddress('10.0.0.66'),
        state: 'MASTER',
        priority: 255,
      }),
    )
    stranger.take(start)
    for (let sent = 0; sent < 100; sent++) {
      network.run(100)
      stranger.take({ type: 'advert', heard: { source: lb1, priority: 0, intervalMs: 1000 } }) // which it answers
    }
    t.strictSame([better.state.state, worse.state.state], ['MASTER', 'BACKUP'])
    t.ok(network.now - better.lastSentAt <= 1000)
    t.equal(worse.became.length, 1)
  })
})

t.test('a process that dies on the master', async t => {
  t.test(
    'leaves the addresses until the backup takes over; the next process lets go of them then',
    async t => {
      const { network, better, worse } = settledPair()
      better.kill()
      network.run(3400) // the next comes so late that it cannot be first
      better.respawn()
      t.strictSame(network.owners(), [lb1])
      network.run(down(worse) - 3400 + 2 * LATENCY_MS)
      t.strictSame(network.owners(), [lb2])
      network.run(10_000)
      t.strictSame(network.owners(), [lb1], 'until it is master again')
    },
  )

  t.test('is not noticed when the next comes soon: the addresses never leave', async t => {
    const { network, better, worse } = settledPair()
    better.kill()
    network.run(100)
    better.respawn()
    network.run(10_000)
    t.equal(worse.became.length, 1)
    t.strictSame(network.owners(), [lb1])
    t.notOk(better.logged.includes('(external) removing VIPs.'))
  })
})

t.test('three nodes', async t => {
  function three() {
    const { network, better, worse } = settledPair()
    const worst = network.add(makeInstance({ priority: 50, source: parseAddress('10.0.0.13') }))
    worst.take(start)
    network.run(5000)
    return { network, better, worse, worst }
  }

  t.test('follow one another by priority, and nobody jumps the queue', async t => {
    const { network, better, worse, worst } = three()
    better.kill()
    network.run(20_000)
    t.strictSame(network.masters(), [lb1, lb2], 'of which the first is dead')
    worse.take(stop)
    network.run(1000)
    t.equal(worst.state.state, 'MASTER')
    t.equal(worst.became.filter(({ state }) => state === 'MASTER').length, 1)
  })

  t.test('have one successor when the master stops', async t => {
    const { network, better, worst } = three()
    better.take(stop)
    network.run(20_000)
    t.strictSame(network.masters(), [lb2])
    t.equal(worst.became.length, 1)
  })
})

t.test('whatever was lost before, one master is left when packets get through again', async t => {
  const sources = [lb1, lb2, parseAddress('10.0.0.13')]
  const nodes = fc.array(
    fc.record({
      priority: fc.constantFrom(50, 100, 100, 150, 254),
      preempt: fc.boolean(),
      startAt: fc.nat(8000),
    }),
    { minLength: 2, maxLength: 3 },
  )
  const scenario = fc.record({
    nodes,
    loss: fc.integer({ min: 0, max: 90 }),
    dice: fc.infiniteStream(fc.integer({ min: 0, max: 99 })),
    events: fc.array(
      fc.record({
        node: fc.nat(2),
        what: fc.constantFrom('stop', 'start', 'fault', 'recovery', 'kill'),
        afterMs: fc.nat(4000),
      }),
      { maxLength: 12 },
    ),
  })
  const happenings = {
    stop,
    start,
    fault: { type: 'fault', fault: 'link' },
    recovery: { type: 'recovery', fault: 'link' },
  } as const

  /** A network after a bad time, and after it was well again for as long as an election takes. */
  function survive(run: typeof scenario extends fc.Arbitrary<infer T> ? T : never): Network {
    const network = new Network()
    network.weather = () => (run.dice.next().value ?? 0) >= run.loss
    for (const [index, { startAt: _, ...different }] of run.nodes.entries()) {
      network.add(makeInstance({ ...different, source: sources[index] ?? lb1 }))
    }
    for (const [index, { startAt }] of run.nodes.entries()) {
      network.run(startAt / 3)
      network.nodes[index]?.take(start)
    }
    for (const { node: index, what, afterMs } of run.events) {
      network.run(afterMs)
      const node = network.nodes[index % network.nodes.length]
      if (what === 'kill') node?.kill()
      else node?.take(happenings[what])
    }
    network.weather = () => true
    for (const node of network.nodes) {
      if (!node.isAlive) node.respawn()
      node.take(happenings.start)
      node.take(happenings.recovery)
    }
    network.run(20_000)
    return network
  }

  t.test('and only it answers for the addresses', async () => {
    fc.assert(
      fc.property(scenario, run => {
        const network = survive(run)
        equal(network.masters().length, 1)
        deepStrictEqual(network.owners(), network.masters())
      }),
      { numRuns: 60 },
    )
  })

  t.test('the best of all unless there is nopreempt', async () => {
    fc.assert(
      fc.property(scenario, run => {
        const network = survive({ ...run, nodes: run.nodes.map(node => ({ ...node, preempt: true })) })
        const [master] = network.nodes.filter(({ state }) => state.state === 'MASTER')
        equal(master?.instance.priority, Math.max(...run.nodes.map(({ priority }) => priority)))
      }),
      { numRuns: 60 },
    )
  })

  t.test('and it stays so', async () => {
    fc.assert(
      fc.property(scenario, run => {
        const network = survive(run)
        const changes = network.nodes.map(({ became }) => became.length)
        network.run(30_000)
        deepStrictEqual(
          network.nodes.map(({ became }) => became.length),
          changes,
        )
      }),
      { numRuns: 40 },
    )
  })
})
