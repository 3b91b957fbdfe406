import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { logged, logOf } from './daemon-log.js'
import { enteringMaster, PairNode, seedFile } from './pair-node.js'
import { Segment } from './segment.js'
import { SteadyRequests } from './steady-requests.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'

/** So that the other waits for 9.6 s: on a busy machine a start takes its time. */
const ADVERT_SECONDS = 3

t.test('a master that is back before the other misses it', { skip }, async t => {
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers } = await buildSeed(lab, { balancers: 2 })
  const slowly = (config: string) => config.replace('advert_int 1', `advert_int ${ADVERT_SECONDS}`)
  const master = slowly(seedFile('master'))
  using one = new PairNode(lab, balancers[0], master.replace('priority 200', 'priority 255')) // at once, this time
  using two = new PairNode(lab, balancers[1], slowly(seedFile('backup')))
  await Promise.all([one.start('--leave-forwarding'), two.start()])
  await one.becameMaster()
  one.config = master
  const requests = await SteadyRequests.begin(client, vip, clientAddresses)

  await t.test('after a stop with --leave-forwarding', async t => {
    const stopped = Date.now()
    await one.daemon.stop()
    t.equal(await one.hasAddress(), true, 'which leaves the address')
    using segment = new Segment(client, vip)
    await one.start('--leave-forwarding')
    await isMasterStill(t, segment, stopped)
  })

  await t.test('after a death of all its processes', async t => {
    const killed = Date.now()
    process.kill(one.vrrpPid, 'SIGKILL')
    one.daemon.signal('SIGKILL')
    await one.daemon.exited
    using segment = new Segment(client, vip)
    await one.start()
    await isMasterStill(t, segment, killed)
  })

  await t.test('after a death of its VRRP process, which is started again', async t => {
    const before = one.vrrpPid
    const killed = Date.now()
    process.kill(before, 'SIGKILL')
    using segment = new Segment(client, vip)
    await logged(one.daemon, /the VRRP process died \(SIGKILL\): starting it again/, killed)
    await isMasterStill(t, segment, killed)
    t.not(one.vrrpPid, before)
  })

  /** @param segment since nobody was master */
  async function isMasterStill(t: Test, segment: Segment, since: number): Promise<void> {
    const again = await one.becameMaster(since)
    t.comment(`master again after ${again - since} ms`)
    while (segment.adverts.length === 0) await sleep(20) // from now on the other waits anew
    await requests.answeredAfter(again)
    const other = logOf(two.daemon).filter(({ time }) => time >= since)
    t.notOk(
      other.some(({ text }) => enteringMaster.test(text)),
      'the other never was master',
    )
    t.equal(await one.state(), 'MASTER')
    const outcomes = requests.answers.filter(({ begun }) => begun >= since).map(({ outcome }) => outcome)
    t.ok(outcomes.length > 0, `${outcomes.length} new connections meanwhile`)
    t.same(new Set(outcomes), new Set(['200']), 'are all answered')
  }
})
