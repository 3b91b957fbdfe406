import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Host } from '../../cli/demo/lab/host.js'
import { request } from '../../cli/demo/lab/http.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { enteringMaster, PairNode, seedFile } from '../system/pair-node.js'
import { DOWN_MS, SKEW_MS, SLACK_MS, SOONEST_MS } from '../system/protocol-times.js'
import { KeepalivedNode } from './keepalived-node.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'

const enteringBackup = /Entering BACKUP STATE$/

/** The same instance, told to speak to the other node alone. */
function unicast(config: string, own: string, peer: string): string {
  return config.replace(/^ *advert_int 1$/m, line =>
    [line, `unicast_src_ip ${own}`, 'unicast_peer {', peer, '}'].join('\n'),
  )
}

function multicast(config: string): string {
  return config
}

t.jobs = 2

for (const [name, addressed] of Object.entries({ multicast, unicast })) {
  for (const master of ['xdplb', 'keepalived'] as const) {
    const title = `xdplb and keepalived by ${name}, ${master} with the higher priority`
    const Better = master === 'xdplb' ? PairNode : KeepalivedNode
    const Worse = master === 'xdplb' ? KeepalivedNode : PairNode

    t.test(title, { skip, buffered: true }, async t => {
      await using lab = await Lab.open()
      const { client, balancers } = await buildSeed(lab, { balancers: 2 })
      const [hostOfMaster, hostOfBackup] = pairOf(balancers)
      using better = new Better(lab, hostOfMaster, addressed(seedFile('master'), '10.0.0.11', '10.0.0.12'))
      using worse = new Worse(lab, hostOfBackup, addressed(seedFile('backup'), '10.0.0.12', '10.0.0.11'))

      /** Who has the address, and whether xdplb serves if it is xdplb. */
      const isWith = async (owner: typeof better | typeof worse) => {
        const found = { better: await better.hasAddress(), worse: await worse.hasAddress() }
        t.same(found, { better: owner === better, worse: owner === worse })
        if (owner instanceof KeepalivedNode) return
        // the log is a moment ahead of the announcement: a connection may still have gone to the other node
        const answers = await request(client, `http://${vip}/`, { from: ['10.0.0.100'], times: 3 })
        t.equal(answers.at(-1)?.status, '200', 'connections are balanced at once')
      }
      const untilPreempted = async (from: number) => {
        await better.logged(enteringMaster, from)
        await worse.logged(enteringBackup, from)
        await isWith(better)
      }

      t.comment('they elect the higher priority')
      await Promise.all([better.start(), worse.start()])
      await better.logged(enteringMaster)
      await sleep(DOWN_MS)
      await isWith(better)

      t.comment('the master stops, by priority 0')
      const stopped = Date.now()
      const stopping = better.stop()
      const handedOver = (await worse.logged(enteringMaster, stopped)) - stopped
      t.ok(handedOver <= SKEW_MS + SLACK_MS, `handed over in ${handedOver} ms of ${SKEW_MS + SLACK_MS}`)
      await stopping
      await isWith(worse)

      t.comment('it comes back, and preempts')
      const started = Date.now()
      await better.start()
      await untilPreempted(started)

      t.comment('its cable is pulled')
      const cut = Date.now()
      await better.host.cutLink()
      const tookOver = (await worse.logged(enteringMaster, cut)) - cut
      t.ok(tookOver <= DOWN_MS + SLACK_MS, `taken over in ${tookOver} ms of ${DOWN_MS + SLACK_MS}`)
      t.ok(tookOver >= SOONEST_MS - SLACK_MS, 'not before adverts are missed')
      await isWith(worse)

      t.comment('and put back')
      const restored = Date.now()
      await better.host.restoreLink()
      await untilPreempted(restored)
    })

    t.test(`${title}, with different passwords`, { skip, buffered: true }, async t => {
      await using lab = await Lab.open()
      const [hostOfMaster, hostOfBackup] = pairOf((await buildSeed(lab, { balancers: 2 })).balancers)
      const foreign = seedFile('master').replace('auth_pass 1215', 'auth_pass 5121')
      using better = new Better(lab, hostOfMaster, addressed(foreign, '10.0.0.11', '10.0.0.12'))
      using worse = new Worse(lab, hostOfBackup, addressed(seedFile('backup'), '10.0.0.12', '10.0.0.11'))
      await Promise.all([better.start(), worse.start()])
      await Promise.all([better.logged(enteringMaster), worse.logged(enteringMaster)])
      await Promise.all([better, worse].map(node => node.logged(/received an invalid passwd/)))
      t.pass('each says so of the other')
      const xdplb = better instanceof PairNode ? better : worse
      await xdplb.logged(/conflicting master 10\.0\.0\.1[12] with priority \d+: .*both may own the addresses/)
      t.pass('and xdplb what it means')
      await sleep(DOWN_MS)
      t.same([await better.hasAddress(), await worse.hasAddress()], [true, true], 'and ignores it')
    })
  }
}

function pairOf([one, two]: readonly Host[]): [Host, Host] {
  if (one === undefined || two === undefined) throw new Error('no two balancers in the lab')
  return [one, two]
}
