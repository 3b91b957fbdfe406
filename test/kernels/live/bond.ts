import t, { type Test } from 'tap'
import { Lab } from '../../../cli/demo/lab/lab.js'
import { Site } from '../../system/daemon.js'
import { deaf } from '../../system/deaf.js'
import { addCable } from '../../tools/cable.js'
import { serveName, takeVip } from '../hosts.js'

const VIP = '10.0.0.1'

const config = `virtual_server ${VIP} 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 10.0.0.71 80 {
  }
  real_server 10.0.0.72 80 {
  }
}`

async function addWebServer(t: Test, lab: Lab, name: string, address: string): Promise<void> {
  const host = await lab.host(name, { addresses: [`${address}/24`] })
  takeVip(lab, host, VIP)
  serveName(t, host)
}

t.test('on a bond', async t => {
  const lab = await Lab.open({ closeOnSignal: false })
  t.teardown(() => lab.close())
  const client = await lab.host('client', { addresses: ['10.0.0.100/24'] })
  await addWebServer(t, lab, 'websvr1', '10.0.0.71')
  await addWebServer(t, lab, 'websvr2', '10.0.0.72')
  const balancer = await lab.host('lb1', { addresses: [], interface: 'port1' })
  await addCable(t, lab, balancer, 'port2')
  const enslave = (port: string) => balancer.ip(`link set ${port} down`, `link set ${port} master bond0`)
  await balancer.ip('link add bond0 type bond mode active-backup miimon 50')
  for (const port of ['port1', 'port2']) await enslave(port)
  await balancer.ip(
    'link set bond0 up',
    'address add 10.0.0.11/24 dev bond0',
    `address add ${VIP}/32 dev bond0`,
  )
  const site = new Site(lab, balancer)
  t.teardown(() => site[Symbol.dispose]())
  const daemon = await site.start(config)

  const ask = () => client.run(['curl', '-sS', '--max-time', '20', `http://${VIP}/`])
  const answers = async () => [await ask(), await ask()].sort()
  const both = ['websvr1', 'websvr2']

  t.match((await site.status()).interfaces, [{ name: 'bond0', state: 'attached', mode: 'native' }])
  t.same(await answers(), both, 'what comes in by the active port is balanced')

  await balancer.ip('link set port1 down')
  t.same(await answers(), both, 'and by the other one, when that fails')

  await balancer.ip('link set port1 nomaster')
  t.same(await answers(), both, 'which may be alone')

  await enslave('port1')
  await balancer.ip('link set port2 nomaster')
  t.same(await answers(), both, 'a port that joins later is one as well')

  await deaf(daemon, balancer, async () => {
    await enslave('port2')
    await balancer.ip('link set port1 nomaster')
  })
  await daemon.printed(/events of the kernel were lost/)
  t.same(await answers(), both, 'also when nothing was heard of it')
  t.ok((await site.status()).verdicts.tx, 'sent back by the bond')
})
