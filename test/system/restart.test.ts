import { readFileSync } from 'node:fs'
import t from 'tap'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { Site } from './daemon.js'
import { HeldConnections } from './held-connections.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'
const master = readFileSync(new URL('../fixtures/seed/master.conf', import.meta.url), 'utf8')
const CONNECTIONS = 1000

t.test('a thousand open connections', { skip }, async t => {
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers } = await buildSeed(lab)
  const [host] = balancers
  if (host === undefined) throw new Error('no balancer in the lab')
  using site = new Site(lab, host)
  let daemon = await site.run(master)
  const held = await HeldConnections.open(client, vip, CONNECTIONS, clientAddresses)

  await t.test('are all answered', async t => {
    t.equal(await held.ask(), CONNECTIONS)
  })

  await t.test('are all answered while the daemon is dead by kill -9', async t => {
    daemon.signal('SIGKILL')
    t.equal(await daemon.exited, 'SIGKILL')
    t.equal(await held.ask(), CONNECTIONS)
  })

  await t.test('are all answered when the next one has started, which adopts every flow', async t => {
    daemon = await site.run(master, '--leave-forwarding')
    const { adopted, flowTable } = await site.status()
    t.equal(adopted, true)
    t.equal(flowTable.flows, CONNECTIONS)
    t.equal(await held.ask(), CONNECTIONS)
  })

  await t.test(
    'are all answered after a stop with --leave-forwarding, and after the start behind it',
    async t => {
      await daemon.stop()
      daemon = await site.run(master, '--leave-forwarding')
      await daemon.stop()
      t.equal(await daemon.exited, 'exit 0')
      t.equal(await held.ask(), CONNECTIONS)
      daemon = await site.run(master)
      t.equal((await site.status()).adopted, true)
      t.equal(await held.ask(), CONNECTIONS)
    },
  )
})
