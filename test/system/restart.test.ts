import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Child } from '../../cli/demo/lab/child.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { Site, seedOwner } from './daemon.js'
import { HeldConnections } from './held-connections.js'
import { SteadyRequests } from './steady-requests.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'
const CONNECTIONS = 1000

const deaths: [what: string, kill: (daemon: Child) => void][] = [
  ['the main process', daemon => daemon.signal('SIGKILL')],
  [
    'the whole tree',
    daemon => {
      const { pid } = daemon
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
      daemon.signal('SIGKILL')
      for (const child of children) process.kill(Number(child), 'SIGKILL')
    },
  ],
]

t.test('a thousand open connections', { skip }, async t => {
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers } = await buildSeed(lab)
  const [host] = balancers
  if (host === undefined) throw new Error('no balancer in the lab')
  using site = new Site(lab, host)
  let daemon = await site.run(seedOwner)
  const held = await HeldConnections.open(client, vip, CONNECTIONS, clientAddresses)

  await t.test('are all answered', async t => {
    t.equal(await held.ask(), CONNECTIONS)
  })

  for (const [what, kill] of deaths) {
    await t.test(`are all answered while ${what} is dead by kill -9`, async t => {
      kill(daemon)
      t.equal(await daemon.exited, 'SIGKILL')
      t.equal(await held.ask(), CONNECTIONS)
    })

    await t.test(
      `are all answered when the next one has started, which adopts every flow of ${what}`,
      async t => {
        daemon = await site.run(seedOwner, '--leave-forwarding')
        const { adopted, flowTable } = await site.status()
        t.equal(adopted, true)
        t.equal(flowTable.flows, CONNECTIONS)
        t.equal(await held.ask(), CONNECTIONS)
      },
    )
  }

  await t.test(
    'are all answered after a stop with --leave-forwarding, and after the start behind it',
    async t => {
      await daemon.stop()
      t.equal(await daemon.exited, 'exit 0')
      t.equal(await held.ask(), CONNECTIONS)
      daemon = await site.run(seedOwner)
      t.equal((await site.status()).adopted, true)
      t.equal(await held.ask(), CONNECTIONS)
    },
  )

  const requests = await SteadyRequests.begin(client, vip, clientAddresses)

  for (const [what, maxFlows] of [
    ['four times as large', 1_048_576],
    ['a quarter of that', 262_144],
  ] as const) {
    await t.test(`are all answered after a start with tables ${what}, and so are new ones`, async t => {
      const killed = Date.now()
      daemon.signal('SIGKILL')
      await daemon.exited
      const before = (await held.ask()) === CONNECTIONS
      daemon = await site.run(`${seedOwner}\nxdplb {\n  max_flows ${maxFlows}\n}\n`)
      const { adopted, resized, flowTable } = await site.status()
      t.ok(adopted && before)
      t.equal(flowTable.slots, 2 * maxFlows)
      t.ok(resized && resized.moved >= CONNECTIONS, `${resized?.moved} flows were moved`)
      t.equal(resized?.lost, 0)
      t.match(daemon.stderr, /the tables have another size now/)
      t.equal(await held.ask(), CONNECTIONS)
      await requests.answeredAfter(Date.now())
      const outcomes = requests.answers.filter(({ begun }) => begun > killed).map(({ outcome }) => outcome)
      t.same(new Set(outcomes), new Set(['200']), `${outcomes.length} new ones`)
    })
  }
})
