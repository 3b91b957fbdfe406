import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { request } from '../../cli/demo/lab/http.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { PassPrograms } from '../../cli/demo/lab/pass.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { need, sysctl } from '../net/netns.js'
import { addCable } from '../tools/cable.js'
import { flags } from '../tools/loader/flags.js'
import { Site, seedOwner } from './daemon.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'

const PROGRAM = fileURLToPath(new URL('programs/failing-start.ts', import.meta.url))

const config = seedOwner.replaceAll(/TCP_CHECK \{[^}]*\}/g, '')

t.test('a start that fails', { skip }, async t => {
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers } = await buildSeed(lab)
  const host = need(balancers[0])
  using site = new Site(lab, host)
  await Promise.all(['free', 'taken'].map(name => addCable(t, lab, host, name)))
  await host.ip('link set free up', 'link set taken up')
  // all cables end in one switch: each interface is to answer for its own addresses
  sysctl(host.namespace, 'net.ipv4.conf.all.arp_ignore=1')
  using other = new PassPrograms()
  host.enter(() => other.attach(host.ifindex('taken')))

  /** Where a program sits, and what is pinned. */
  async function traces() {
    const links: { ifname: string; xdp?: unknown }[] = JSON.parse(await host.run(['ip', '-j', '-d', 'link']))
    const pinned = existsSync(site.bpffs) ? readdirSync(join(site.bpffs, '.'), { recursive: true }) : []
    return {
      attached: links.flatMap(({ ifname, xdp }) => (xdp ? ifname : [])),
      pinned: pinned.map(String).filter(path => path.startsWith('xdplb')),
    }
  }

  /** What one process was told that tried each of these in turn, and has nothing open that it had not before. */
  async function outcomes(t: Test, { command = [], questions }: Trial): Promise<string[]> {
    const asked = questions.map(question => JSON.stringify({ bpffs: site.bpffs, ...question }))
    const output = await host.run([...command, process.execPath, ...flags, PROGRAM, file, ...asked])
    return output
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
      .map(({ failure, before, after }) => {
        t.same(after, before, failure)
        return failure
      })
  }

  const file = join(lab.directory, 'failing.conf')
  writeFileSync(file, config)
  const nothing = { attached: ['taken'], pinned: [] }

  await t.test('leaves nothing open, attached or pinned', async t => {
    const questions = [
      { interfaces: ['nosuch'] },
      { interfaces: ['enp0s8', 'taken'] },
      { bpffs: '/nowhere' },
      { bpffs: '/proc' },
    ]
    t.match(await outcomes(t, { questions }), [
      /nosuch: no such interface/,
      /taken: program .* is attached, expected none/,
      /nowhere: /,
      /proc: a directory with/,
    ])
    t.same(await traces(), nothing)
  })

  await t.test('nor where a privilege is missing', async t => {
    for (const privilege of ['net_admin', 'net_raw']) {
      const command = ['setpriv', `--bounding-set=-${privilege}`]
      const [failure] = await outcomes(t, { command, questions: [{}] })
      t.match(failure, /EPERM/, `without ${privilege}`)
      t.same(await traces(), nothing)
    }
  })

  await t.test('nor where there are too few descriptors, wherever it comes to that', async t => {
    const questions = [6, 34, 45, 46].map(descriptors => ({ descriptors }))
    for (const failure of await outcomes(t, { questions })) t.match(failure, /EMFILE/)
    t.same(await traces(), nothing)
  })

  await t.test('is none where the VRRP process cannot be started yet', async t => {
    t.same(await outcomes(t, { questions: [{ node: '/nowhere' }] }), [''])
    t.same(await traces(), nothing)
  })

  await t.test('leaves what a former process had left forwarding as it was', async t => {
    await (await site.run(config, '--leave-forwarding', '--interface', 'enp0s8')).stop()
    const before = await traces()
    t.same(before.attached, ['enp0s8', 'taken'])
    const [failure] = await outcomes(t, { questions: [{ interfaces: ['free', 'taken'] }] })
    t.match(failure, /taken/)
    t.same(await traces(), before)
    const answers = await request(client, `http://${vip}/`, { from: clientAddresses })
    t.same(new Set(answers.map(({ text }) => text)), new Set(['websvr1', 'websvr2']))
  })
})

interface Trial {
  /** What runs the process. */
  readonly command?: readonly string[]
  readonly questions: readonly object[]
}
