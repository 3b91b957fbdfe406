import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import type { Host } from '../../../cli/demo/lab/host.js'
import { Lab } from '../../../cli/demo/lab/lab.js'
import { applySettings } from '../../../cli/demo/lab/settings.js'
import { parseAddress } from '../../../lib/address.js'
import { realserverUp } from '../../../lib/realserver/realserver.js'
import { Site } from '../../system/daemon.js'

const VIPS = ['10.0.0.1', '2001:db8::1']

/** Both families to a real of each: all there is of a tunnel in a tunnel. */
const config = VIPS.map(
  vip => `virtual_server ${vip} 80 {
  lb_algo rr
  lvs_method TUN
  protocol TCP
  real_server 192.168.1.71 80 {
    TCP_CHECK {
      connect_timeout 3
    }
  }
  real_server 2001:db8:2::72 80 {
    lvs_method TUN type ipip
  }
}`,
).join('\n')

/** What a real server of each family does about its packets, beside having the VIPs on lo. */
const decapsulation = {
  4: { modules: ['ipip', 'sit'], commands: ['link set tunl0 up', 'link set sit0 up'] },
  6: { modules: ['ip6_tunnel'], commands: ['-6 tunnel change ip6tnl0 mode any', 'link set ip6tnl0 up'] },
} as const

/** Answers with the host's name and how many bytes it was sent. */
async function serve(t: Test, lab: Lab, host: Host): Promise<void> {
  const server = createServer((request, response) => {
    let bytes = 0
    request.on('data', (some: Buffer) => {
      bytes += some.length
    })
    request.on('end', () => response.end(`${host.name} ${bytes}`))
  })
  t.teardown(() => server.close())
  host.enter(() => {
    realserverUp({ vips: VIPS.map(parseAddress), runDir: `${lab.directory}/${host.name}` })
    server.listen(80)
  })
}

/** A web server that is joined to the router, and to nothing else. */
async function addWebServer(
  t: Test,
  lab: Lab,
  router: Host,
  {
    name,
    family,
    network,
  }: { name: string; family: 4 | 6; network: readonly [ours: string, theirs: string][] },
): Promise<void> {
  const host = await lab.host(name, { addresses: [] })
  await router.ip(
    `link add ${name} type veth peer name eth0 netns ${host.namespace}`,
    `link set ${name} mtu 1400 up`,
  )
  await router.ip(
    ...[...network.map(([ours]) => ours), 'fe80::1/64'].map(ours => `address add ${ours} dev ${name}`),
  )
  await host.ip('link delete enp0s8', 'link set eth0 mtu 1400 up')
  await host.ip(
    ...[...network.map(([, theirs]) => theirs), 'fe80::2/64'].map(theirs => `address add ${theirs} dev eth0`),
  )
  await host.ip(...network.map(([ours]) => `route add default via ${ours.replace(/\/.*/, '')}`))
  const { modules, commands } = decapsulation[family]
  for (const module of modules) execFileSync('modprobe', [module])
  for (const command of commands) await host.run(['ip', ...command.split(' ')])
  await serve(t, lab, host)
}

t.test('in tunnels to real servers behind a router', async t => {
  const lab = await Lab.open({ closeOnSignal: false })
  t.teardown(() => lab.close())
  const client = await lab.host('client', {
    addresses: ['10.0.0.100/24', '2001:db8::100/64', 'fe80::100/64'],
  })
  const router = await lab.host('router', {
    addresses: ['10.0.0.254/24', '2001:db8::254/64', 'fe80::254/64'],
  })
  router.enter(() => applySettings({ 'ipv4/ip_forward': 1, 'ipv6/conf/all/forwarding': 1 }))
  await addWebServer(t, lab, router, {
    name: 'websvr1',
    family: 4,
    network: [
      ['192.168.1.1/24', '192.168.1.71/24'],
      ['2001:db8:1::1/64', '2001:db8:1::71/64'],
    ],
  })
  await addWebServer(t, lab, router, {
    name: 'websvr2',
    family: 6,
    network: [
      ['192.168.2.1/24', '192.168.2.72/24'],
      ['2001:db8:2::1/64', '2001:db8:2::72/64'],
    ],
  })
  const balancer = await lab.host('lb1', {
    addresses: ['10.0.0.11/24', '10.0.0.1/32', '2001:db8::11/64', 'fe80::11/64'],
  })
  await balancer.ip(
    'address add 2001:db8::1/128 dev enp0s8 preferred_lft 0',
    'route add 192.168.0.0/16 via 10.0.0.254',
    'route add 2001:db8:2::/64 via 2001:db8::254',
  )
  const site = new Site(lab, balancer)
  t.teardown(() => site[Symbol.dispose]())
  await site.start(config)

  let answered = 0
  for (const [index, host] of ['10.0.0.1', '[2001:db8::1]'].entries()) {
    const ask = (input: string) =>
      client.run(['curl', '-sS', '--max-time', '20', '--data-binary', '@-', `http://${host}/`], { input })
    const answers = async (input: string) => [await ask(input), await ask(input)].sort()
    t.same(await answers(''), ['websvr1 0', 'websvr2 0'], `${host} is served by both`)
    const many = 'x'.repeat(300_000)
    t.same(await answers(many), ['websvr1 300000', 'websvr2 300000'], `${host} says what fits in the tunnel`)
    const { services, verdicts } = await site.status()
    t.match(services[index]?.reals, [
      { real: '192.168.1.71:80', state: 'up', forwarding: 'tun', interface: 'enp0s8' },
      { real: '[2001:db8:2::72]:80', state: 'up', forwarding: 'tun', interface: 'enp0s8' },
    ])
    t.ok((verdicts.tx_too_big ?? 0) > answered, 'by ICMP')
    answered = verdicts.tx_too_big ?? 0
  }
})
