import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Host } from '../../../cli/demo/lab/host.js'
import { Lab } from '../../../cli/demo/lab/lab.js'
import { setFeatures } from '../../../lib/net/features.js'
import type { BalancerStatus, RealStatus } from '../../../lib/status.js'
import { Site } from '../../system/daemon.js'
import { addCable } from '../../tools/cable.js'
import { serveName, takeVip } from '../hosts.js'

// Clients are in VLAN 10, and so is the VIP; real servers in VLAN 20, in VLAN 30 of the provider's VLAN 100, and in none.
// A real server hears nothing outside its own VLAN: there the client has a leg that answers go to.

const VIP = '10.0.10.1'
const CLIENT = '10.0.10.100'

/** How a host is joined to a VLAN: its interface is called after the device, and makes it. */
const vlans = {
  clients: { suffix: '.10', network: '10.0.10', make: (device: string) => [vlanOn(device, 10)] },
  tagged: { suffix: '.20', network: '10.0.20', make: (device: string) => [vlanOn(device, 20)] },
  stacked: {
    suffix: '.100.30',
    network: '10.0.30',
    make: (device: string) => [vlanOn(device, 100, '802.1ad'), vlanOn(`${device}.100`, 30)],
  },
  untagged: { suffix: '', network: '10.0.0', make: () => [] },
} as const

type Vlan = keyof typeof vlans

function vlanOn(device: string, id: number, protocol = '802.1Q'): string {
  return `link add link ${device} name ${device}.${id} type vlan id ${id} protocol ${protocol}`
}

/** Two tags and 1500 bytes are more than a veth carries. */
const STACKED_MTU = 1496

/** @param host number of its address in that VLAN's network */
async function join(host: Host, vlan: Vlan, address: number, device = host.interface): Promise<void> {
  const { suffix, network, make } = vlans[vlan]
  const name = `${device}${suffix}`
  await host.ip(...make(device), `address add ${network}.${address}/24 dev ${name}`)
  if (vlan === 'stacked') await host.ip(`link set ${device}.100 up`, `link set ${name} mtu ${STACKED_MTU}`)
  await host.ip(`link set ${name} up`)
}

async function addClient(lab: Lab): Promise<Host> {
  const client = await lab.host('client', { addresses: [] })
  for (const vlan of ['clients', 'tagged', 'stacked', 'untagged'] as const) await join(client, vlan, 100)
  return client
}

async function addWebServer(t: Test, lab: Lab, vlan: Vlan): Promise<void> {
  const host = await lab.host(vlan, { addresses: [] })
  await join(host, vlan, 71)
  // so that its clients do not learn from itself how small their segments must be
  if (vlan === 'stacked') await host.ip(`link set enp0s8.100.30 mtu 1500`)
  await host.ip(`route add ${CLIENT}/32 via ${vlans[vlan].network}.100`)
  takeVip(lab, host, VIP)
  serveName(t, host)
}

/** What the bridge sends to a host has its tags in it, as on a wire, where XDP sees them. */
function tagOnWire(lab: Lab, port: string): void {
  lab.switch.enter(() => setFeatures(port, { 'tx-vlan-hw-insert': false, 'tx-vlan-stag-hw-insert': false }))
}

function configure(device: string, reals: readonly Vlan[]): string {
  return `vrrp_instance clients {
  interface ${device}.10
  state MASTER
  virtual_router_id 10
  priority 255
  virtual_ipaddress {
    ${VIP}
  }
}
virtual_server ${VIP} 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
${reals.map(vlan => `  real_server ${vlans[vlan].network}.71 80 {\n  }`).join('\n')}
}`
}

function ask(client: Host, ...options: string[]): Promise<string> {
  return client.run(['curl', '-sS', '--max-time', '30', ...options, `http://${VIP}/`])
}

async function answers(client: Host, count: number, ...options: string[]): Promise<string[]> {
  const all: string[] = []
  while (all.length < count) all.push(await ask(client, ...options))
  return all.sort()
}

async function until(site: Site, condition: (status: BalancerStatus) => boolean): Promise<void> {
  while (!condition(await site.status())) await sleep(50)
}

const realIn = ({ services }: BalancerStatus, vlan: Vlan): RealStatus | undefined =>
  services[0]?.reals.find(({ real }) => real.startsWith(`${vlans[vlan].network}.`))

t.test('real servers in other VLANs', async t => {
  const lab = await Lab.open({ closeOnSignal: false })
  t.teardown(() => lab.close())
  const reals = ['stacked', 'tagged', 'untagged'] as const
  const client = await addClient(lab)
  for (const vlan of reals) await addWebServer(t, lab, vlan)
  const balancer = await lab.host('lb1', { addresses: [] })
  tagOnWire(lab, 'lb1')
  for (const vlan of ['clients', ...reals] as const) await join(balancer, vlan, 11)
  // as some operators have it: VLANs with MAC addresses of their own
  await balancer.ip(
    'link set enp0s8.10 address 02:00:00:00:10:1b',
    'link set enp0s8.20 address 02:00:00:00:20:1b',
  )
  const site = new Site(lab, balancer)
  t.teardown(() => site[Symbol.dispose]())
  await site.run(configure('enp0s8', reals))

  await t.test('are found by the interfaces that lead there', async t => {
    const status = await site.status()
    t.match(status.interfaces, [
      { name: 'enp0s8', state: 'attached', mode: 'native', tagStripping: 'stopped' },
    ])
    t.equal(status.interfaces.length, 1)
    t.equal(realIn(status, 'tagged')?.interface, 'enp0s8.20')
    t.equal(realIn(status, 'stacked')?.interface, 'enp0s8.100.30')
    t.match(status.warnings, [/^enp0s8: .* txvlan off/], 'a veth cannot be asked how its other end sends')
  })

  await t.test('get packets with their own tags, and no others', async t => {
    t.same(await answers(client, 3), [...reals])
    const { verdicts } = await site.status()
    t.equal(verdicts.pass_not_ours, 0)
    t.ok(verdicts.tx)
  })

  await t.test('get large ones too; where two tags leave less room, the client is told', async t => {
    const large = ['--data-binary', 'x'.repeat(30_000)]
    t.same(await answers(client, 3, ...large), [...reals])
    t.ok((await site.status()).verdicts.tx_too_big)
  })

  await t.test('are lost and found with the interface that leads there', async t => {
    await balancer.ip('link delete enp0s8.20')
    await until(site, status => realIn(status, 'tagged')?.state === 'unresolved')
    t.same(await answers(client, 2), ['stacked', 'untagged'])
    await join(balancer, 'tagged', 11)
    await until(site, status => realIn(status, 'tagged')?.state === 'up')
    t.same(await answers(client, 3), [...reals])
  })

  await t.test('are none for what goes up: that reaches its interface with its tag', async t => {
    serveName(t, balancer, 8080)
    t.equal(await client.run(['curl', '-sS', '--max-time', '30', `http://${VIP}:8080/`]), 'lb1')
    t.ok((await site.status()).verdicts.pass_no_service)
  })
})

t.test('VLANs on a bond', async t => {
  const lab = await Lab.open({ closeOnSignal: false })
  t.teardown(() => lab.close())
  const client = await addClient(lab)
  for (const vlan of ['tagged', 'untagged'] as const) await addWebServer(t, lab, vlan)
  const balancer = await lab.host('lb1', { addresses: [], interface: 'port1' })
  await addCable(t, lab, balancer, 'port2')
  for (const port of ['lb1', 'port2']) tagOnWire(lab, port)
  await balancer.ip(
    'link add bond0 type bond mode active-backup miimon 50',
    ...['port1', 'port2'].flatMap(port => [`link set ${port} down`, `link set ${port} master bond0`]),
    'link set bond0 up',
  )
  for (const vlan of ['clients', 'tagged', 'untagged'] as const) await join(balancer, vlan, 11, 'bond0')
  const site = new Site(lab, balancer)
  t.teardown(() => site[Symbol.dispose]())
  await site.run(configure('bond0', ['tagged', 'untagged']))

  t.match((await site.status()).interfaces, [{ name: 'bond0', state: 'attached' }])
  t.same(await answers(client, 2), ['tagged', 'untagged'])
  await balancer.ip('link set port1 down')
  t.same(await answers(client, 2), ['tagged', 'untagged'], 'by its other port as well')
})
