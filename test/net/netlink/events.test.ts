import { on, once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import { parseAddress } from '../../../lib/address.js'
import { inNamespace } from '../../../lib/net/namespace.js'
import type { InterfaceAddress } from '../../../lib/net/netlink/address.js'
import {
  type Change,
  NetlinkEvents,
  type NetlinkEventsOptions,
  type Topic,
} from '../../../lib/net/netlink/events.js'
import type { Link } from '../../../lib/net/netlink/link.js'
import type { Neighbour } from '../../../lib/net/netlink/neighbour.js'
import { Netlink } from '../../../lib/net/netlink/netlink.js'
import { parseNetwork } from '../../../lib/network.js'
import { ip, makeNamespace, makeSegment, need, skip, sysctl } from '../netns.js'

/** A subscription in a namespace, and the means to change things there. */
function subscribe(t: Test, namespace: string, options: NetlinkEventsOptions = {}) {
  const netlink = inNamespace(namespace, () => Netlink.open())
  const events = inNamespace(namespace, () => NetlinkEvents.open(options))
  t.teardown(() => events.close())
  t.teardown(() => netlink.close())
  return { netlink, events }
}

type Subject = Partial<Link & InterfaceAddress & Neighbour>

/** The first event from now on for which `wanted` holds. */
async function heard(
  events: NetlinkEvents,
  topic: Topic,
  wanted: (subject: Subject, change: Change) => boolean,
): Promise<[Subject, Change] | undefined> {
  for await (const [subject, change] of on(events, topic)) {
    if (wanted(subject, change)) return [subject, change]
  }
  return undefined
}

t.test('events', { skip }, async t => {
  const namespace = makeNamespace(t, 'events')
  const { events, netlink } = subscribe(t, namespace)

  t.test('tell of interfaces that come, change and go', async t => {
    const came = heard(events, 'link', link => link.name === 'br0')
    ip(`-n ${namespace} link add br0 type bridge`)
    t.match(await came, [{ name: 'br0', kind: 'bridge', up: false }, 'set'])
    const wentUp = heard(events, 'link', link => link.name === 'br0' && link.up === true)
    ip(`-n ${namespace} link set br0 up`)
    t.match(await wentUp, [{ name: 'br0', up: true }, 'set'])
    const went = heard(events, 'link', (link, change) => link.name === 'br0' && change === 'deleted')
    ip(`-n ${namespace} link del br0`)
    t.match(await went, [{ name: 'br0' }, 'deleted'])
  })

  t.test('tell that routes of either family have changed, to who asks for that', async t => {
    const { events: routes } = subscribe(t, namespace, { about: ['route'] })
    for (const prefix of ['192.0.2.0/24', '2001:db8:2::/48', '0.0.0.0/0', '::/0'])
      for (const verb of ['add', 'del']) {
        const changed = once(routes, 'route')
        ip(`-n ${namespace} route ${verb} blackhole ${prefix}`)
        t.strictSame(await changed, [parseNetwork(prefix)], verb)
      }
  })

  t.test('tell of addresses of both families that come and go', async t => {
    for (const address of ['10.0.0.1', '2001:db8::1'].map(parseAddress)) {
      const vip = { address, prefixLength: address.includes(':') ? 128 : 32, ifindex: 1, noDad: true }
      const came = heard(events, 'address', found => found.address === address)
      netlink.addAddress(vip)
      t.match(await came, [{ address, ifindex: 1 }, 'set'])
      const went = heard(
        events,
        'address',
        (found, change) => found.address === address && change === 'deleted',
      )
      netlink.deleteAddress(vip)
      t.match(await went, [{ address, ifindex: 1 }, 'deleted'])
    }
  })

  t.test('do not take a port that leaves its bridge for an interface that is deleted', async t => {
    ip(`-n ${namespace} link add br1 type bridge`)
    ip(`-n ${namespace} link add port0 type veth peer name port1`)
    ip(`-n ${namespace} link set port0 master br1`)
    const changes: string[] = []
    const listen = (link: { name: string }, change: string) => link.name === 'port0' && changes.push(change)
    events.on('link', listen)
    const left = heard(events, 'link', link => link.name === 'port0' && !link.master)
    ip(`-n ${namespace} link set port0 nomaster`)
    await left
    events.off('link', listen)
    t.ok(changes.length > 0)
    t.notOk(changes.includes('deleted'))
  })

  t.test('come only from the topics that were asked for', async t => {
    const { events } = subscribe(t, namespace, { about: ['address'] })
    events.on('link', () => t.fail('a link'))
    const came = heard(events, 'address', found => found.address === '10.0.0.2')
    ip(`-n ${namespace} link set port0 up`)
    netlink.addAddress({ address: parseAddress('10.0.0.2'), prefixLength: 32, ifindex: 1 })
    t.ok(await came)
  })

  t.test('that were lost are said, and nothing older comes after that', async t => {
    const { events } = subscribe(t, namespace, { about: ['address'], receiveBufferBytes: 4096 })
    const order: string[] = []
    events.on('address', () => order.push('address'))
    events.on('overrun', () => order.push('overrun'))
    const overrun = once(events, 'overrun')
    const many = Array.from({ length: 200 }, (_, i) => ({
      address: parseAddress(`10.1.0.${i}`),
      prefixLength: 32,
      ifindex: 1,
    }))
    for (const address of many) netlink.addAddress(address)
    await overrun
    for (let turns = 0; turns < 10; turns++) await turn()
    t.equal(order.at(-1), 'overrun')
    t.ok(order.length < 200)
    const again = heard(events, 'address', found => found.address === '10.1.0.0')
    netlink.deleteAddress({ address: parseAddress('10.1.0.0'), prefixLength: 32, ifindex: 1 })
    t.ok(await again, 'and the subscription lives on')
  })

  t.test('that were lost are said again to who could not list anew what they were about', async t => {
    const { events } = subscribe(t, namespace, { about: ['address'], receiveBufferBytes: 4096 })
    let times = 0
    const listed = new Promise<void>(resolve => {
      events.on('overrun', () => {
        if (++times === 1) throw new Error('not now')
        resolve()
      })
    })
    const failed = once(events, 'error')
    const address = { address: parseAddress('10.3.0.1'), prefixLength: 32, ifindex: 1 }
    for (let time = 0; time < 100; time++) {
      netlink.addAddress(address)
      netlink.deleteAddress(address)
    }
    t.match(await failed, [{ message: 'not now' }])
    await listed
    t.equal(times, 2)
  })

  t.test('end with close, also when a listener closes in the midst of several', async t => {
    const { events } = subscribe(t, namespace, { about: ['address'] })
    let told = 0
    const first = new Promise<void>(resolve => {
      events.on('address', () => {
        told++
        events.close()
        resolve()
      })
    })
    for (const address of ['10.2.0.1', '10.2.0.2', '10.2.0.3'].map(parseAddress)) {
      netlink.addAddress({ address, prefixLength: 32, ifindex: 1 })
    }
    await first
    for (let turns = 0; turns < 10; turns++) await turn()
    t.equal(told, 1)
    events.close()
  })
})

t.test('a managed neighbour', { skip }, async t => {
  const { lb, web, mac } = makeSegment(t, 'managed')
  const { events, netlink } = subscribe(t, lb, { about: ['neighbour'] })
  const { index: ifindex } = need(netlink.link('enp0s8'))

  for (const address of ['10.0.0.71', '2001:db8::71'].map(parseAddress)) {
    t.test(`is resolved by the kernel without any traffic: ${address}`, async t => {
      const resolved = heard(
        events,
        'neighbour',
        found => found.address === address && found.mac !== undefined,
      )
      netlink.manageNeighbour({ ifindex, address })
      t.match(await resolved, [{ ifindex, address, mac: mac.web, state: 'reachable', managed: true }, 'set'])
    })
  }

  t.test('that announces another MAC address is heard with it', async t => {
    const fresh = '02:00:00:00:00:99'
    const changed = heard(events, 'neighbour', ({ address, mac }) => address === '10.0.0.71' && mac === fresh)
    sysctl(web, 'net.ipv4.conf.enp0s8.arp_notify=1')
    ip(`-n ${web} link set enp0s8 address ${fresh}`)
    t.match(await changed, [{ mac: fresh, managed: true }, 'set'])
  })

  t.test('that falls silent loses its MAC address, and has it again when it is back', async t => {
    // The kernel looks by itself every five seconds; asked again, at once.
    const key = { ifindex, address: parseAddress('10.0.0.71') }
    for (const setting of ['delay_first_probe_time=0', 'retrans_time_ms=20']) {
      sysctl(lb, `net.ipv4.neigh.enp0s8.${setting}`)
    }
    ip(`-n ${web} address del 10.0.0.71/24 dev enp0s8`)
    const lost = heard(
      events,
      'neighbour',
      ({ address, mac }) => address === key.address && mac === undefined,
    )
    netlink.manageNeighbour(key)
    t.match(await lost, [{ managed: true }, 'set'])
    ip(`-n ${web} address add 10.0.0.71/24 dev enp0s8`)
    const back = heard(
      events,
      'neighbour',
      ({ address, mac }) => address === key.address && mac !== undefined,
    )
    netlink.manageNeighbour(key)
    t.match(await back, [{ managed: true }, 'set'])
  })

  t.test('is forgotten with a deleted event when it is managed no more', async t => {
    const address = parseAddress('10.0.0.71')
    const forgotten = heard(
      events,
      'neighbour',
      (found, change) => found.address === address && change === 'deleted',
    )
    netlink.unmanageNeighbour({ ifindex, address })
    t.match(await forgotten, [{ address }, 'deleted'])
  })

  t.test('is forgotten when the other end goes down', async t => {
    const address = parseAddress('10.0.0.71')
    netlink.manageNeighbour({ ifindex, address })
    const gone = heard(
      events,
      'neighbour',
      (found, change) => found.address === address && change === 'deleted',
    )
    ip(`-n ${web} link set enp0s8 down`)
    t.match(await gone, [{ address }, 'deleted'])
    t.equal(netlink.neighbour({ ifindex, address }), undefined)
  })
})
