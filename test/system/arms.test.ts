import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { request } from '../../cli/demo/lab/http.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { PassPrograms } from '../../cli/demo/lab/pass.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { parseAddress } from '../../lib/address.js'
import { encodeGratuitousArp } from '../../lib/net/arp.js'
import { featuresOf } from '../../lib/net/features.js'
import { FrameSocket } from '../../lib/net/frame-socket.js'
import type { InterfaceStatus, RealStatus } from '../../lib/status.js'
import { need, sysctl } from '../net/netns.js'
import { addCable } from '../tools/cable.js'
import { mac } from '../tools/packet.js'
import { Site, seedOwner } from './daemon.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'

/** The second real server is on a network of its own. Nobody checks them, and no client returns to one. */
const config = seedOwner
  .replaceAll(/TCP_CHECK \{[^}]*\}|persistence_timeout \d+/g, '')
  .replace('10.0.0.72', '10.1.0.72')
const distant = parseAddress('10.1.0.72')
const both = { websvr1: 5, websvr2: 5 }

t.test('a balancer with clients on one interface and a real server on another', { skip }, async t => {
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers, webServers } = await buildSeed(lab)
  const [host, server] = [need(balancers[0]), need(webServers[1])]
  using site = new Site(lab, host)
  // all cables end in one switch: each interface is to answer for its own addresses
  sysctl(host.namespace, 'net.ipv4.conf.all.arp_ignore=1')
  await Promise.all(['arm', 'third'].map(name => addCable(t, lab, host, name)))
  await host.ip('link set arm up', 'link set third up', 'address add 10.1.0.11/24 dev arm')
  sysctl(host.namespace, 'net.ipv4.neigh.arm.retrans_time_ms=100')

  const isStripping = () =>
    host.enter(() => featuresOf('third')).some(({ name, on }) => name === 'rx-vlan-hw-parse' && on)

  async function answers(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (const { status, text } of await request(client, `http://${vip}/`, { from: clientAddresses })) {
      const what = status === '200' ? text : status
      counts[what] = (counts[what] ?? 0) + 1
    }
    return counts
  }

  /** What is said of the second real server and of the interfaces, once it is so. */
  async function told(isSo: (real: RealStatus) => boolean) {
    for (;;) {
      const { services, interfaces } = await site.status()
      const real = need(services[0]?.reals[1])
      if (isSo(real)) return { real, attached: interfaces.filter(isAttached).map(({ name }) => name) }
      await sleep(20)
    }
  }

  const daemon = await site.run(config)

  await t.test('attaches to both, though that real server is dead at the start', async t => {
    const { real, attached } = await told(() => true)
    t.match(real, { state: 'unresolved', reason: /nobody on arm answers/ })
    t.same(attached, ['enp0s8', 'arm'])
  })

  await t.test('balances when it comes up', async t => {
    await server.ip('address add 10.1.0.72/24 dev enp0s8')
    using frames = server.enter(() => FrameSocket.open())
    frames.send(server.ifindex('enp0s8'), encodeGratuitousArp({ address: distant, mac: mac(server.mac) }))
    t.match((await told(({ state }) => state === 'up')).real, { interface: 'arm' })
    t.same(await answers(), both)
  })

  await t.test('says what is in the way where the way moves to, and sends nothing there', async t => {
    using other = new PassPrograms()
    host.enter(() => other.attach(host.ifindex('third')))
    await host.ip('route add 10.1.0.72/32 dev third src 10.1.0.11')
    const { real } = await told(({ state }) => state !== 'up')
    t.equal(real.reason, 'the way leads over third, which could not be attached to')
    const refused = /attach xdp: third: program .*pass.* is attached, expected none/g
    await daemon.printed(refused)
    t.same(await answers(), { websvr1: 10 })
    t.equal(daemon.stderr.match(refused)?.length, 1, 'once')
  })

  await t.test('attaches there before the way leads over it', async t => {
    await host.ip('link set third alias free') // any change will do
    const { real, attached } = await told(({ state }) => state === 'up')
    t.equal(real.interface, 'third')
    t.same(attached, ['enp0s8', 'arm', 'third'])
    t.same(await answers(), both)
  })

  await t.test('leaves what it is not to sit on any more, and says what that means', async t => {
    daemon.signal('SIGKILL')
    await daemon.exited
    t.equal(isStripping(), false)
    const next = await site.run(config, '--interface', 'enp0s8', 'arm')
    const { real, attached } = await told(() => true)
    const reason =
      'the way leads over third, which is not among the interfaces to attach to (enp0s8, arm): name third too'
    t.match(real, { state: 'unresolved', reason })
    t.same(attached, ['enp0s8', 'arm'])
    t.equal(isStripping(), true)
    t.match(next.stderr, `real server 10.1.0.72:80 of 10.0.0.1:80/tcp: ${reason}`)

    await host.ip('route del 10.1.0.72/32')
    t.match((await told(({ state }) => state === 'up')).real, { interface: 'arm' })
    t.same(await answers(), both)

    await host.ip('route add 10.1.0.72/32 dev third src 10.1.0.11')
    t.equal((await told(({ state }) => state !== 'up')).real.reason, reason)
    t.ok(await next.printed(/real server is down/))
    t.same(await answers(), { websvr1: 10 })
    await next.stop()
  })
})

function isAttached({ state }: InterfaceStatus): boolean {
  return state === 'attached'
}
