import { once } from 'node:events'
import t, { type Test } from 'tap'
import { addressFromBytes, parseAddress } from '../../lib/address.js'
import { mode } from '../../lib/dataplane/layout.gen.js'
import { NextHops } from '../../lib/dataplane/next-hops.js'
import type { Forwarding } from '../../lib/dataplane/spec.js'
import { isPending, leadsBy, type Resolution } from '../../lib/dataplane/way.js'
import { FrameSocket } from '../../lib/net/frame-socket.js'
import { type Mac, macFromBytes } from '../../lib/net/mac.js'
import { inNamespace } from '../../lib/net/namespace.js'
import { everyTopic, NetlinkEvents, type NetlinkEventsOptions } from '../../lib/net/netlink/events.js'
import { Netlink } from '../../lib/net/netlink/netlink.js'
import { PathMtuEvents } from '../../lib/net/path-mtu.js'
import { ip, makeSegment, skip, sysctl } from '../net/netns.js'
import { buildFrame, mac as macOf } from '../tools/packet.js'

/** The next hops of a host that is joined to the router 10.0.0.71, 2001:db8::71. */
function nextHops(t: Test, label: string, options: NetlinkEventsOptions = {}) {
  const { lb, web, mac } = makeSegment(t, label)
  const netlink = inNamespace(lb, () => Netlink.open())
  const events = inNamespace(lb, () => NetlinkEvents.open({ about: everyTopic, ...options }))
  const paths = inNamespace(lb, () => PathMtuEvents.open())
  const hops = new NextHops(netlink, events, paths)
  for (const part of [netlink, events, paths, hops]) t.teardown(() => part.close())
  const to = (address: string, forwarding: Forwarding) => ({ address: parseAddress(address), forwarding })
  return { lb, web, mac, netlink, events, hops, to }
}

/** The answer, once there is one. */
async function settled(hops: NextHops, ...[destination]: Parameters<NextHops['track']>): Promise<Resolution> {
  let resolution = hops.track(destination)
  while (isPending(resolution)) {
    await once(hops, 'change')
    resolution = hops.resolution(destination)
  }
  return resolution
}

/** What a way is, in words. */
function told(resolution: Resolution) {
  if (!('hop' in resolution)) return resolution
  const { destinationMac, mtu, mode, tunnelSource } = resolution.hop
  return { mac: macFromBytes(destinationMac), mtu, mode, source: addressFromBytes(tunnelSource) }
}

t.test('the way to a real behind a router', { skip }, async t => {
  const { lb, web, mac, netlink, hops, to } = nextHops(t, 'hops')
  ip(`-n ${lb} route add 192.168.9.0/24 via 10.0.0.71`)
  ip(`-n ${lb} route add 192.168.8.0/24 via 10.0.0.71 mtu 1400 src 10.0.0.11`)
  ip(`-n ${lb} route add 2001:db8:9::/48 via 2001:db8::71`)
  const ifindex = netlink.link('enp0s8')?.index ?? 0
  const ipv4 = { mac: mac.web, mtu: 1480, mode: mode.tunnel_ipv4, source: '10.0.0.11' }
  const ipv6 = { mac: mac.web, mtu: 1460, mode: mode.tunnel_ipv6, source: '2001:db8::11' }
  const isManaged = (address: string) =>
    netlink.neighbour({ ifindex, address: parseAddress(address) })?.managed ?? false

  await t.test('is none by direct routing', async t => {
    t.match(hops.track(to('192.168.9.5', 'dr')), {
      kind: 'passing',
      reason:
        /behind the router 10\.0\.0\.71, and direct routing needs it on a network of this host; lvs_method TUN/,
    })
    hops.untrack(to('192.168.9.5', 'dr'))
  })

  await t.test('leads in a tunnel to the router, from the address that the kernel would take', async t => {
    t.strictSame(told(await settled(hops, to('192.168.9.5', 'tun'))), ipv4)
    t.strictSame(told(await settled(hops, to('2001:db8:9::5', 'tun'))), ipv6)
    t.strictSame(told(await settled(hops, to('10.0.0.71', 'tun'))), ipv4, 'or to a neighbour')
    t.match(told(await settled(hops, to('10.0.0.71', 'dr'))), { mode: mode.direct, mtu: 1500 })
    t.strictSame(told(await settled(hops, to('10.0.0.11', 'tun'))), {
      ...ipv4,
      mac: '00:00:00:00:00:00',
      mtu: 65535,
      mode: mode.local,
      source: '::',
    })
    t.strictSame(hops.interfaces(), ['enp0s8'])
  })

  await t.test('takes what the route says, less its own header', async t => {
    t.strictSame(told(await settled(hops, to('192.168.8.5', 'tun'))), { ...ipv4, mtu: 1380 })
  })

  await t.test('changes with the route', async t => {
    const changed = once(hops, 'change')
    ip(`-n ${lb} route change 192.168.8.0/24 via 10.0.0.71 mtu 1300`)
    const [destination, resolution] = await changed
    t.strictSame(destination, to('192.168.8.5', 'tun'))
    t.strictSame(told(resolution), { ...ipv4, mtu: 1280 })
    const gone = once(hops, 'change')
    ip(`-n ${lb} route del 192.168.8.0/24`)
    t.match(await gone, [to('192.168.8.5', 'tun'), { reason: 'no route leads to it' }])
    const back = once(hops, 'change')
    ip(`-n ${lb} route add 192.168.8.0/24 via 10.0.0.71`)
    t.strictSame(told((await back)[1]), ipv4)
  })

  await t.test('changes with the MAC address of the router, for all that are behind it', async t => {
    const other = '02:00:00:00:00:99' as Mac
    const wanted = ['192.168.9.5', '192.168.8.5', '10.0.0.71'].map(address => to(address, 'tun'))
    ip(`-n ${lb} neigh replace 10.0.0.71 lladdr ${other} dev enp0s8 nud permanent`)
    const leads = (resolution: Resolution) => leadsBy(resolution, other)
    while (!wanted.every(way => leads(hops.resolution(way)))) await once(hops, 'change')
    t.pass('told')
  })

  await t.test('keeps the router resolved as long as it leads by it', async t => {
    t.ok(isManaged('2001:db8::71'))
    hops.untrack(to('2001:db8:9::5', 'tun'))
    t.notOk(isManaged('2001:db8::71'))
  })

  await t.test('takes no more than routers on it say, of either family', async t => {
    sysctl(web, 'net.ipv4.ip_forward=1')
    sysctl(web, 'net.ipv6.conf.all.forwarding=1')
    ip(`-n ${web} link add narrow mtu 1300 type veth peer name far`)
    for (const end of ['narrow', 'far']) ip(`-n ${web} link set ${end} up`)
    ip(`-n ${web} route add 192.168.6.0/24 dev narrow`)
    ip(`-n ${web} route add 2001:db8:6::/48 dev narrow`)
    ip(`-n ${lb} route add 192.168.6.0/24 via 10.0.0.71`)
    ip(`-n ${lb} route add 2001:db8:6::/48 via 2001:db8::71`)
    using socket = inNamespace(lb, () => FrameSocket.open())
    const ends = [
      { source: '10.0.0.11', destination: '192.168.6.5', header: 20 },
      { source: '2001:db8::11', destination: '2001:db8:6::5', header: 40 },
    ]
    for (const protocol of [4, 41])
      for (const [index, { source, destination, header }] of ends.entries()) {
        const way = to(destination.replace('5', `${protocol}`), 'tun')
        t.match(told(await settled(hops, way)), { mtu: 1500 - header })
        const frame = { to: macOf(mac.web), from: macOf(mac.lb), source, destination: way.address, protocol }
        const changed = once(hops, 'change')
        socket.send(ifindex, buildFrame({ ...frame, body: Buffer.alloc(1400) }))
        t.strictSame((await changed)[0], way, `protocol ${protocol} in ${index === 0 ? 'IPv4' : 'IPv6'}`)
        t.match(told(hops.resolution(way)), { mtu: 1300 - header })
      }
  })

  await t.test('is none while the router is silent', async t => {
    ip(`-n ${lb} route add 192.168.7.0/24 via 10.0.0.72`)
    sysctl(lb, 'net.ipv4.neigh.enp0s8.retrans_time_ms=100')
    t.match(hops.track(to('192.168.7.5', 'tun')), {
      kind: 'pending',
      reason: 'the MAC address of the router 10.0.0.72 is being asked for',
    })
    t.match(await settled(hops, to('192.168.7.5', 'tun')), {
      kind: 'passing',
      reason: 'nobody on enp0s8 answers when asked for the MAC address of the router 10.0.0.72',
    })
  })
})

t.test('the way to a real follows nexthop objects and policy rules', { skip }, async t => {
  const { lb, mac, hops, to } = nextHops(t, 'policy')
  // the kernel would tell of each route that names a nexthop object when that is another one
  sysctl(lb, 'net.ipv4.nexthop_compat_mode=0')
  const other = macOf('02:00:00:00:00:99')
  const byWeb = (resolution: Resolution) => leadsBy(resolution, macOf(mac.web))
  const byOther = (resolution: Resolution) => leadsBy(resolution, other)
  const families = [
    { family: '-4', network: '192.168.9.0/24', router: '10.0.0.71', better: '10.0.0.72', id: 1 },
    { family: '-6', network: '2001:db8:9::/48', router: '2001:db8::71', better: '2001:db8::72', id: 2 },
  ]
  for (const { family, network, router, better, id } of families) {
    ip(`-n ${lb} neigh replace ${better} lladdr ${other} dev enp0s8 nud permanent`)
    ip(`-n ${lb} ${family} route add ${network} table 100 via ${better}`)
    ip(`-n ${lb} nexthop add id ${id} via ${router} dev enp0s8`)
    ip(`-n ${lb} ${family} route add ${network} nhid ${id}`)
    const real = to(network.replace(/0?\/.*/, '5'), 'tun')
    t.ok(byWeb(await settled(hops, real)))

    const led = async (change: string, how: (resolution: Resolution) => boolean) => {
      const changed = once(hops, 'change')
      ip(`-n ${lb} ${family} ${change}`)
      const [destination, resolution] = await changed
      t.strictSame(destination, real)
      t.ok(how(resolution), change)
    }
    await led(`nexthop replace id ${id} via ${better} dev enp0s8`, byOther)
    await led(`nexthop replace id ${id} via ${router} dev enp0s8`, byWeb)
    await led(`rule add to ${network} lookup 100`, byOther)
    await led(`rule del to ${network} lookup 100`, byWeb)
    await led(`nexthop del id ${id}`, resolution => !('hop' in resolution))
  }
})

t.test('the ways to reals when events were lost', { skip }, async t => {
  const { lb, netlink, events, hops, to } = nextHops(t, 'lost', { receiveBufferBytes: 4096 })
  ip(`-n ${lb} route add 192.168.9.0/24 via 10.0.0.71`)
  const [near, far] = [to('10.0.0.71', 'dr'), to('192.168.9.5', 'tun')]
  for (const way of [near, far]) t.ok('hop' in (await settled(hops, way)))

  const lost = once(events, 'overrun')
  const address = { address: parseAddress('10.7.0.1'), prefixLength: 32, ifindex: 1 }
  for (let time = 0; time < 100; time++) {
    netlink.addAddress(address)
    netlink.deleteAddress(address)
  }
  const other = '02:00:00:00:00:99' as Mac
  ip(`-n ${lb} neigh replace 10.0.0.71 lladdr ${other} dev enp0s8 nud permanent`)
  ip(`-n ${lb} route del 192.168.9.0/24`)
  await lost
  t.ok(leadsBy(hops.resolution(near), other), 'are those by the neighbours that there are')
  t.match(hops.resolution(far), { reason: 'no route leads to it' }, 'and by the routes')
})
