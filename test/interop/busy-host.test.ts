import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Child } from '../../cli/demo/lab/child.js'
import type { Host } from '../../cli/demo/lab/host.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { seedFile } from '../system/pair-node.js'
import { Segment } from '../system/segment.js'
import { SteadyRequests } from '../system/steady-requests.js'
import { flags } from '../tools/loader/flags.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'
const program = fileURLToPath(new URL('../system/programs/busy-host.ts', import.meta.url))
const MINUTE_OF_ADVERTS = 58

t.test(
  'a pair of host programs that stand still for five seconds at a time, for a minute',
  { skip },
  async t => {
    await using lab = await Lab.open()
    const { client, clientAddresses, balancers } = await buildSeed(lab, { balancers: 2 })
    const [one, two] = balancers.map((host, i) => start(host, seedFile(i === 0 ? 'master' : 'backup')))
    if (one === undefined || two === undefined) throw new Error('no two balancers in the lab')
    await Promise.all([one.printed(/^vrrp MASTER$/m), two.printed(/^vrrp BACKUP$/m)])
    const requests = await SteadyRequests.begin(client, vip, clientAddresses)
    using segment = new Segment(client, vip)
    for (const busy of [one, two]) busy.signal('SIGUSR2')
    await Promise.all([one.printed(/^over$/m), two.printed(/^over$/m)])
    await requests.stop()

    t.same(one.stdout.match(/^vrrp .*/gm), ['vrrp BACKUP', 'vrrp MASTER'], 'the master stays master')
    t.same(two.stdout.match(/^vrrp .*/gm), ['vrrp BACKUP'], 'the backup stays backup')
    t.notMatch(`${one.stdout}${two.stdout}`, / down/, 'no web server is taken out')
    t.ok(segment.adverts.length >= MINUTE_OF_ADVERTS, `${segment.adverts.length} adverts`)
    t.same(new Set(segment.adverts.map(({ source }) => source)), new Set(['10.0.0.11']))
    t.same(new Set(requests.answers.map(({ outcome }) => outcome)), new Set(['200']), 'everybody is answered')

    /** With checks every second, so that many are under way when the loop stands still. */
    function start(host: Host, config: string): Child {
      const directory = join(lab.directory, `busy-${host.name}`)
      const file = join(directory, 'keepalived.conf')
      mkdirSync(join(directory, 'bpf'), { recursive: true })
      writeFileSync(file, config.replace('delay_loop 10', 'delay_loop 1'))
      return host.spawn([process.execPath, ...flags, program, file, join(directory, 'bpf')])
    }
  },
)
