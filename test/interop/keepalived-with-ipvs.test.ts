import t, { type Test } from 'tap'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { HeldConnections } from '../system/held-connections.js'
import { enteringMaster, PairNode, seedFile } from '../system/pair-node.js'
import { SLACK_MS } from '../system/protocol-times.js'
import { SteadyRequests } from '../system/steady-requests.js'
import { IpvsNode } from './ipvs-node.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'

const HELD = 20
/** Less than any connection waits for an answer. */
const AT_ONCE_MS = 2000
/** Enough for each of the ten clients to have asked four times. */
const WATCHED = 40
const TCP = 6

const enteringBackup = /Entering BACKUP STATE$/

for (const master of ['xdplb', 'keepalived with IPVS'] as const) {
  t.test(`the two files of the seed, ${master} the master`, { skip }, async t => {
    await using lab = await Lab.open()
    const { client, clientAddresses, balancers, webServers } = await buildSeed(lab)
    const [own, other] =
      master === 'xdplb' ? (['master', 'backup'] as const) : (['backup', 'master'] as const)
    using xdplb = new PairNode(lab, balancers[0], seedFile(own))
    await using ipvs = await IpvsNode.boot(lab, {
      name: 'lb2',
      address: '10.0.0.12/24',
      mac: '02:00:00:00:01:02',
      config: seedFile(other),
    })
    const [better, worse] = master === 'xdplb' ? [xdplb, ipvs] : [ipvs, xdplb]
    await Promise.all([better.start(), worse.start()])
    await better.logged(enteringMaster)

    const open = () => HeldConnections.open(client, vip, HELD, clientAddresses)
    const requests = await SteadyRequests.begin(client, vip, clientAddresses)
    const [busy, idle] = await Promise.all([open(), open()])
    t.same([await busy.ask(), await idle.ask()], [HELD, HELD], 'connections are open')

    t.comment('the cable of the master is pulled')
    const cut = Date.now()
    await better.host.cutLink()
    await balances(t, worse, await worse.logged(enteringMaster, cut))
    const asked = Date.now()
    t.equal(await busy.ask(), 0, 'connections that were open and are used now are at an end')
    t.ok(Date.now() - asked < AT_ONCE_MS, 'and are told so at once')

    t.comment('and put back')
    const restored = Date.now()
    await better.host.restoreLink()
    await balances(t, better, await worse.logged(enteringBackup, restored))
    t.equal(await idle.ask(), HELD, 'connections that were not used meanwhile go on')
    await requests.stop()

    /** From the first word of the change on, all new connections go by way of this node, to both web servers. */
    async function balances(t: Test, node: typeof better, changed: number): Promise<void> {
      const since = changed + SLACK_MS
      const load = () => requests.answers.filter(({ begun }) => begun > since)
      await requests.answeredAfter(since)
      const captures = webServers.map(server => server.capture())
      while (load().length < WATCHED) await requests.answeredAfter(Date.now())
      const frames = captures.flatMap(capture => capture.frames)
      for (const capture of captures) capture.close()
      const requested = frames.filter(({ ip }) => ip?.destination === vip && ip.protocol === TCP)
      t.same(new Set(requested.map(({ source }) => source)), new Set([node.host.mac]), 'it forwards alone')

      const answers = load()
      t.same(new Set(answers.map(({ outcome }) => outcome)), new Set(['200']), 'all are answered')
      const share = answers.filter(({ by }) => by === 'websvr1').length / answers.length
      t.ok(share > 0.4 && share < 0.6, `websvr1 has ${(share * 100).toFixed(0)} % of them`)
      const lost = requests.answers.filter(({ outcome }) => outcome !== '200')
      t.comment(`lost so far: ${lost.length} of ${requests.answers.length}`)
    }
  })
}
