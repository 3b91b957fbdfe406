import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { request } from '../../cli/demo/lab/http.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { mac } from '../tools/packet.js'
import { HeldConnections } from './held-connections.js'
import { PairNode, seedFile } from './pair-node.js'
import { Segment } from './segment.js'
import { SteadyRequests } from './steady-requests.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'

const HELD = 20
const ADVERT_MS = 1000
/** Skew time of the backup, priority 100: RFC 3768 §6.1. */
const SKEW_MS = (156 / 256) * 1000
/** Longer than the protocol asks for, a takeover may take so much. */
const SLACK_MS = 200
const DOWN_MS = 3 * ADVERT_MS + SKEW_MS

t.test('two balancers with the two files of the seed', { skip }, async t => {
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers } = await buildSeed(lab, { balancers: 2 })
  using one = new PairNode(lab, balancers[0], seedFile('master'))
  using two = new PairNode(lab, balancers[1], seedFile('backup'))
  const steady = () => SteadyRequests.begin(client, vip, clientAddresses)

  /** The better one is back: it takes over, and the other yields. */
  async function untilPreempted(from: number): Promise<void> {
    await one.becameMaster(from)
    await two.reaches('BACKUP')
    await one.reaches('MASTER')
  }

  await t.test('elect the one with the higher priority', async t => {
    await Promise.all([one.start(), two.start()])
    await one.becameMaster()
    using segment = new Segment(client, vip)
    await sleep(DOWN_MS)
    t.same([await one.state(), await two.state()], ['MASTER', 'BACKUP'])
    t.same([await one.hasAddress(), await two.hasAddress()], [true, false], 'who alone has the address')
    t.ok(segment.adverts.length >= 3)
    t.same(new Set(segment.adverts.map(({ source }) => source)), new Set(['10.0.0.11']), 'advertises')
    const before = segment.claims.length
    for (let i = 0; i < 5; i++) {
      segment.ask()
      await sleep(10)
    }
    t.same(
      segment.claims.slice(before).map(({ by }) => by),
      Array(5).fill(one.host.mac),
      'and answers ARP for it',
    )
    t.same(
      (await request(client, `http://${vip}/`, { from: clientAddresses })).map(({ status }) => status),
      Array(10).fill('200'),
    )
  })

  await t.test('change over when the cable of the master is pulled, and back', async t => {
    const cut = Date.now()
    await one.host.cutLink()
    const took = (await two.becameMaster(cut)) - cut
    t.comment(`taken over after ${took} ms`)
    t.ok(took <= DOWN_MS + SLACK_MS, `within ${DOWN_MS + SLACK_MS} ms`)
    t.ok(took >= DOWN_MS - ADVERT_MS - SLACK_MS, 'not before the adverts are missed')
    t.same([await one.hasAddress(), await two.hasAddress()], [false, true])
    t.equal(await one.state(), 'FAULT')
    const [answer] = await request(client, `http://${vip}/`, { from: ['10.0.0.100'] })
    t.equal(answer?.status, '200', 'the other answers at once')

    const restored = Date.now()
    await one.host.restoreLink()
    await untilPreempted(restored)
    t.same([await one.hasAddress(), await two.hasAddress()], [true, false], 'the higher priority preempts')
  })

  await t.test('change over when the master is stopped, and back when it returns', async t => {
    using segment = new Segment(client, vip)
    const stopped = Date.now()
    one.daemon.signal('SIGTERM')
    const took = (await two.becameMaster(stopped)) - stopped
    t.comment(`taken over after ${took} ms`)
    t.ok(took <= SKEW_MS + SLACK_MS, `within ${SKEW_MS + SLACK_MS} ms`)
    t.ok(
      segment.adverts.some(({ source, priority }) => source === '10.0.0.11' && priority === 0),
      'for the master said farewell',
    )
    t.equal(await one.daemon.exited, 'exit 0')
    t.equal(await one.hasAddress(), false)

    const started = Date.now()
    await one.start()
    await untilPreempted(started)
    t.same([await one.hasAddress(), await two.hasAddress()], [true, false])
  })

  await t.test(
    'lose nothing when the main process of the master is killed, until the other takes over',
    async t => {
      using segment = new Segment(client, vip)
      const requests = await steady()
      const held = await HeldConnections.open(client, vip, HELD, clientAddresses)
      const killed = Date.now()
      one.daemon.signal('SIGKILL')
      t.equal(await held.ask(), HELD, 'connections that are held are answered')
      const asked = Date.now()
      const takenOver = await two.becameMaster(killed)
      const took = takenOver - killed
      t.comment(`taken over after ${took} ms`)
      t.ok(asked < takenOver)
      t.ok(
        took <= SKEW_MS + SLACK_MS,
        `within ${SKEW_MS + SLACK_MS} ms: the VRRP process gives up on its own`,
      )
      await checkForwarding(t, requests, { killed, takenOver })
      await checkNoSecond(t, segment)
      t.equal(await one.hasAddress(), false)
      await requests.stop()
      await one.start()
      await untilPreempted(takenOver)
    },
  )

  await t.test('lose nothing when all of the master is killed, until the other takes over', async t => {
    using segment = new Segment(client, vip)
    const requests = await steady()
    const held = await HeldConnections.open(client, vip, HELD, clientAddresses)
    const { vrrpPid } = one
    const killed = Date.now()
    process.kill(vrrpPid, 'SIGKILL')
    one.daemon.signal('SIGKILL')
    t.equal(await held.ask(), HELD, 'connections that are held are answered')
    const asked = Date.now()
    const takenOver = await two.becameMaster(killed)
    const took = takenOver - killed
    t.comment(`taken over after ${took} ms`)
    t.ok(asked < takenOver)
    t.ok(took <= DOWN_MS + SLACK_MS, `within ${DOWN_MS + SLACK_MS} ms`)
    await checkForwarding(t, requests, { killed, takenOver })
    await checkNoSecond(t, segment)
    t.equal(await one.hasAddress(), true, 'though the old one still has the address')
    await requests.stop()
    await one.start()
    await untilPreempted(takenOver)
  })

  /** From the death of one master to the first word of the next, all is answered; and afterwards. */
  async function checkForwarding(
    t: Test,
    requests: SteadyRequests,
    { killed, takenOver }: { killed: number; takenOver: number },
  ): Promise<void> {
    await requests.answeredAfter(takenOver + 2 * SLACK_MS)
    const between = requests.answers.filter(({ begun, ended }) => begun > killed && ended < takenOver)
    t.ok(between.length > 0, `${between.length} new connections`)
    t.same(new Set(between.map(({ outcome }) => outcome)), new Set(['200']), 'are answered until then')
    const after = requests.answers.filter(({ begun }) => begun > takenOver + SLACK_MS)
    t.same(new Set(after.map(({ outcome }) => outcome)), new Set(['200']), 'and from then on')
    const lost = requests.answers.filter(({ outcome }) => outcome !== '200')
    t.comment(`lost at the change: ${lost.length} of ${requests.answers.length}`)
  }

  /** From the first word of the new master on, nothing more is heard of the old one. */
  async function checkNoSecond(t: Test, segment: Segment): Promise<void> {
    for (let i = 0; i < 10; i++) {
      segment.ask()
      await sleep(50)
    }
    const claims = segment.claims.map(({ by }) => by)
    const since = claims.slice(claims.indexOf(mac(two.host.mac)))
    t.ok(since.length >= 10)
    t.same(new Set(since), new Set([two.host.mac]), 'no second master answers')
  }
})
