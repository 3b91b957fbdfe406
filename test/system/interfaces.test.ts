import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Host } from '../../cli/demo/lab/host.js'
import { request } from '../../cli/demo/lab/http.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { parseAddress } from '../../lib/address.js'
import { encodeGratuitousArp } from '../../lib/net/arp.js'
import { featuresOf } from '../../lib/net/features.js'
import { FrameSocket } from '../../lib/net/frame-socket.js'
import type { BalancerStatus } from '../../lib/status.js'
import { mac } from '../tools/packet.js'
import { Site, seedOwner } from './daemon.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'

/** Asks until it is so; a test that waits for ever is ended by tap. */
async function until(site: Site, condition: (status: BalancerStatus) => boolean): Promise<void> {
  while (!condition(await site.status())) await sleep(20)
}

/** Without its checks, which would find out about the real server by themselves. */
function unchecked(config: string): string {
  return config.replaceAll(/TCP_CHECK \{[^}]*\}/g, '')
}

function only<T>(things: readonly T[]): T {
  const [thing] = things
  if (thing === undefined) throw new Error('none, expected one')
  return thing
}

async function countAnswers(
  client: Host,
  from: readonly string[],
  url = `http://${vip}/`,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { status, text } of await request(client, url, { from })) {
    const what = status === '200' ? text : status
    counts[what] = (counts[what] ?? 0) + 1
  }
  return counts
}

t.test('on one host', { skip }, async t => {
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers, webServers } = await buildSeed(lab)
  const host = only(balancers)
  using site = new Site(lab, host)

  await t.test(
    'a real server behind a router takes nothing, and what direct routing needs is said',
    async t => {
      await host.ip('route add 192.168.9.0/24 via 10.0.0.71')
      const daemon = await site.run(seedOwner.replaceAll('10.0.0.72', '192.168.9.5'))
      t.match(
        daemon.stderr,
        /192\.168\.9\.5:80.*behind the router 10\.0\.0\.71.*direct routing needs.*no new flows/,
      )
      t.same(Object.keys(await countAnswers(client, clientAddresses)), ['websvr1'], 'and the other takes all')
      await daemon.stop()
    },
  )

  await t.test('a card that takes VLAN tags off frames', async t => {
    const name = 'rx-vlan-hw-parse'
    const isStripping = () =>
      host.enter(() => featuresOf(host.interface)).some(one => one.name === name && one.on)
    t.equal(isStripping(), true)
    const daemon = await site.run(seedOwner)
    t.equal(isStripping(), false, 'leaves them on, for the program sees none otherwise')
    t.match((await site.status()).interfaces, [{ tagStripping: 'stopped' }])
    t.ok(await daemon.printed(/leaves VLAN tags on frames now/), 'and says so')

    daemon.signal('SIGKILL')
    await daemon.exited
    t.equal(isStripping(), false, 'also when nobody is there')
    const next = await site.run(seedOwner)
    await next.stop()
    t.equal(isStripping(), true, 'does so again, as whoever takes the program off knows')
  })

  await t.test('a real server that does not exist', async t => {
    const daemon = await site.run(unchecked(seedOwner.replaceAll('10.0.0.72', '10.0.0.79')))
    const missing = only((await site.status()).services).reals[1]
    t.match(missing, { real: '10.0.0.79:80', state: 'unresolved', reason: /nobody on enp0s8 answers/ })
    t.same(await countAnswers(client, clientAddresses), { websvr1: 10 }, 'takes no connection')
    t.match(await site.xdplb('status'), /10\.0\.0\.79:80.*unresolved/)
    await daemon.stop()
  })

  const daemon = await site.run(seedOwner)

  await t.test('a web server whose network card is changed', async t => {
    const server = only(webServers)
    const other = mac('02:00:00:00:aa:01')
    await server.ip('link set enp0s8 down', `link set enp0s8 address ${other}`, 'link set enp0s8 up')
    using frames = server.enter(() => FrameSocket.open())
    const announcement = encodeGratuitousArp({ address: parseAddress('10.0.0.71'), mac: other })
    // again and again: the kernel believes no other address within a second of the last (locktime, arp(7))
    await until(site, ({ services }) => {
      frames.send(server.ifindex('enp0s8'), announcement)
      return only(only(services).reals).mac === other
    })
    t.same(
      await countAnswers(client, clientAddresses),
      { websvr1: 5, websvr2: 5 },
      'is followed to its new MAC address',
    )
  })

  await t.test('two balancers', async t => {
    await host.ip(
      'link add second type veth peer name far',
      'address add 10.9.0.11/24 dev second',
      'link set far up',
      'link set second up',
    )
    const other = seedOwner.replace('enp0s8', 'second').replaceAll('10.0.0.', '10.9.0.')
    const second = await site.run(other, '--name', 'other')
    t.equal((await site.status('other')).name, 'other')
    await second.stop()
    t.same(
      await countAnswers(client, clientAddresses),
      { websvr1: 5, websvr2: 5 },
      'do not know of each other',
    )
    await t.rejects(
      site.run(seedOwner),
      { message: /is running|BUSY|pid|process/ },
      'and no two of them have one name',
    )
  })

  await t.test('an interface that is deleted and made again', async t => {
    await host.ip(`link delete ${host.interface}`)
    await until(site, ({ interfaces }) => only(interfaces).state === 'missing')
    t.match(await site.xdplb('status'), /enp0s8.*missing/)

    await lab.connect(host)
    await until(site, ({ interfaces, services }) => {
      return only(interfaces).state === 'attached' && only(services).reals.every(real => real.state === 'up')
    })
    t.same(
      await countAnswers(client, clientAddresses),
      { websvr1: 5, websvr2: 5 },
      'is attached to again, address and all',
    )
  })

  await t.test('an interface that has its address later than it is up', async t => {
    const address = `10.0.0.11/24 dev ${host.interface}`
    await host.ip(`address delete ${address}`)
    await until(site, ({ vrrp }) => only(vrrp).state === 'FAULT')
    await host.ip(`address add ${address}`)
    await until(site, ({ vrrp, services }) => {
      return only(vrrp).state === 'MASTER' && only(services).reals.every(real => real.state === 'up')
    })
    t.same(await countAnswers(client, clientAddresses), { websvr1: 5, websvr2: 5 }, 'speaks from then on')
    await daemon.stop()
    t.equal(await daemon.exited, 'exit 0')
  })
})
