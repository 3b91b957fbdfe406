import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { request } from '../../cli/demo/lab/http.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import type { BalancerStatus } from '../../lib/status.js'
import { need } from '../net/netns.js'
import { Site, seedOwner } from './daemon.js'
import { deaf } from './deaf.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'

/** Nobody asks the real servers for their health: what is known of the network is what the kernel tells. */
const config = seedOwner.replaceAll(/TCP_CHECK \{[^}]*\}/g, '')

t.test('a daemon that was told more than it could hear', { skip }, async t => {
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers } = await buildSeed(lab)
  const host = need(balancers[0])
  using site = new Site(lab, host)
  const daemon = await site.run(config)

  async function until(isSo: (status: BalancerStatus) => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo(await site.status()))) await sleep(20)
  }

  const hasVip = async () => (await host.run(['ip', 'address', 'show', host.interface])).includes(`${vip}/`)

  await until(hasVip)

  await t.test('puts an address back that was taken away meanwhile', async t => {
    await deaf(daemon, host, () => host.ip(`address del ${vip}/24 dev ${host.interface}`))
    await until(hasVip)
    t.match(daemon.stderr, /events of the kernel were lost/, 'and says that something was lost')
  })

  await t.test('knows of an interface that is gone', async t => {
    await deaf(daemon, host, () => host.ip(`link del ${host.interface}`))
    await until(({ interfaces, vrrp }) => interfaces[0]?.state === 'missing' && vrrp[0]?.state === 'FAULT')
    t.match((await site.status()).services[0]?.reals, [{ state: 'unresolved' }, { state: 'unresolved' }])
  })

  await t.test('knows of one that has come', async () => {
    await deaf(daemon, host, () => lab.connect(host))
    await until(isBalancing)
  })

  await t.test('knows of one that is another one now', async t => {
    const before = host.ifindex(host.interface)
    await deaf(daemon, host, async () => {
      await host.ip(`link del ${host.interface}`)
      await lab.connect(host)
    })
    await until(({ interfaces }) => interfaces[0]?.ifindex !== before)
    await until(async status => isBalancing(status) && (await hasVip()))
    const answers = await request(client, `http://${vip}/`, { from: clientAddresses })
    t.same(new Set(answers.map(({ text }) => text)), new Set(['websvr1', 'websvr2']))
  })

  await daemon.stop()
})

function isBalancing({ interfaces, vrrp, services }: BalancerStatus): boolean {
  const reals = services.flatMap(service => service.reals)
  return (
    interfaces[0]?.state === 'attached' &&
    vrrp[0]?.state === 'MASTER' &&
    reals.every(({ state }) => state === 'up')
  )
}
