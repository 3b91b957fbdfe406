import type { Test } from 'tap'
import t from 'tap'
import { parseAddress } from '../../../lib/address.js'
import { errnos, syscallError } from '../../../lib/net/errno.js'
import { inNamespace } from '../../../lib/net/namespace.js'
import { ourProtocol } from '../../../lib/net/netlink/marks.js'
import { encodeMessage, type Message, NLMSG_DONE, NLMSG_ERROR } from '../../../lib/net/netlink/message.js'
import { encodeNeighbourKey } from '../../../lib/net/netlink/neighbour.js'
import { Netlink } from '../../../lib/net/netlink/netlink.js'
import { asNobody, ip, makeNamespace, makeSegment, need, skip } from '../netns.js'

const address = parseAddress
const vip = { address: address('10.0.0.1'), prefixLength: 32 }
const vip6 = { address: address('2001:db8::1'), prefixLength: 128 }

function openIn(t: Test, namespace: string): Netlink {
  const netlink = inNamespace(namespace, () => Netlink.open())
  t.teardown(() => netlink.close())
  return netlink
}

/** A namespace that has 10.0.0.11/24 on enp0s8, and what one needs to ask about it. */
function makeHost(t: Test, label: string) {
  const { lb, web, mac } = makeSegment(t, label)
  const netlink = openIn(t, lb)
  const { index: ifindex } = need(netlink.link('enp0s8'))
  return { lb, web, mac, netlink, ifindex }
}

t.test('interfaces', { skip }, async t => {
  const { lb, mac, netlink, ifindex } = makeHost(t, 'links')

  t.test('are listed as they are in the namespace where the socket was opened', async t => {
    const links = netlink.links()
    t.strictSame(
      links
        .map(link => link.name)
        .filter(name => /lo|enp/.test(name))
        .sort(),
      ['enp0s8', 'lo'],
    )
    t.match(netlink.link('enp0s8'), {
      mac: mac.lb,
      mtu: 1500,
      kind: 'veth',
      up: true,
      running: true,
      loopback: false,
    })
    t.match(netlink.link('lo'), { index: 1, up: true, loopback: true })
  })

  t.test('are found by index, by name and by alternative name', async t => {
    ip(`-n ${lb} link property add dev enp0s8 altname the-cable-that-leads-to-the-web-servers`)
    t.match(netlink.link(ifindex), { name: 'enp0s8', index: ifindex })
    t.match(netlink.link('the-cable-that-leads-to-the-web-servers'), { name: 'enp0s8' })
    t.equal(netlink.link('eth9'), undefined)
    t.equal(netlink.link(9999), undefined)
  })

  t.test('tell which bridge they are a port of, and what is below them', async t => {
    ip(`-n ${lb} link add br0 type bridge`)
    ip(`-n ${lb} link add port0 type veth peer name port1`)
    ip(`-n ${lb} link set port0 master br0`)
    ip(`-n ${lb} link add mac0 link enp0s8 type macvlan`)
    t.equal(netlink.link('port0')?.master, netlink.link('br0')?.index)
    t.equal(netlink.link('mac0')?.lower, ifindex)
    t.equal(netlink.link('enp0s8')?.lower, undefined, 'its other end is in another namespace')
    t.equal(netlink.link('mac0')?.up, false)
  })
})

t.test('addresses', { skip }, async t => {
  const { lb, netlink, ifindex } = makeHost(t, 'addresses')
  const find = (wanted: string) => netlink.addresses({ ifindex }).find(found => found.address === wanted)

  t.test('are listed for one interface or for all', async t => {
    t.match(find('10.0.0.11'), { prefixLength: 24, scope: 0, label: 'enp0s8' })
    t.match(find('2001:db8::11'), { prefixLength: 64, noDad: true, tentative: false })
    t.equal(find('127.0.0.1'), undefined)
    t.ok(netlink.addresses().some(found => found.address === '127.0.0.1'))
  })

  for (const wanted of [vip, vip6]) {
    t.test(`of ${wanted.address}'s family are added once and deleted once`, async t => {
      t.equal(netlink.addAddress({ ...wanted, ifindex, noDad: true }), true)
      t.equal(netlink.addAddress({ ...wanted, ifindex, noDad: true }), false, 'it was there')
      t.match(find(wanted.address), wanted)
      t.equal(netlink.deleteAddress({ ...wanted, ifindex }), true)
      t.equal(netlink.deleteAddress({ ...wanted, ifindex }), false, 'it was not there')
      t.equal(find(wanted.address), undefined)
    })
  }

  t.test('carry our mark, unless they are to carry another', async t => {
    netlink.addAddress({ ...vip, ifindex })
    t.equal(find('10.0.0.1')?.protocol, ourProtocol)
    t.equal(find('10.0.0.11')?.protocol, undefined)
    netlink.deleteAddress({ ...vip, ifindex })
    netlink.addAddress({ ...vip, ifindex, protocol: 18 })
    t.equal(find('10.0.0.1')?.protocol, 18)
    netlink.deleteAddress({ ...vip, ifindex })
  })

  t.test('may have a label, a scope, a broadcast address and a peer, and are listed with them', async t => {
    const full = {
      ...vip,
      ifindex,
      label: 'enp0s8:vip',
      scope: 253,
      peer: address('10.0.0.2'),
      broadcast: address('10.0.0.255'),
    }
    netlink.addAddress(full)
    t.match(find('10.0.0.1'), full)
    t.equal(netlink.deleteAddress(full), true)
  })

  t.test('bring a route to their prefix unless told not to', async t => {
    const wide = { address: address('10.7.0.1'), prefixLength: 16, ifindex }
    netlink.addAddress(wide)
    t.match(ip(`-n ${lb} route`), '10.7.0.0/16')
    netlink.deleteAddress(wide)
    netlink.addAddress({ ...wide, noPrefixRoute: true })
    t.notMatch(ip(`-n ${lb} route`), '10.7.0.0/16')
    netlink.deleteAddress(wide)
  })

  t.test('that cannot be are refused in the words of the kernel', async t => {
    t.throws(() => netlink.addAddress({ ...vip, ifindex: 9999 }), {
      code: 'NOT_FOUND',
      message: 'add address: 10.0.0.1/32 on interface 9999: ENODEV (ipv4: Device not found)',
    })
    t.throws(() => netlink.addAddress({ ...vip, prefixLength: 33, ifindex }), {
      code: 'SYSCALL',
      message: `add address: 10.0.0.1/33 on interface ${ifindex}: EINVAL (ipv4: Invalid prefix length)`,
    })
    t.equal(netlink.deleteAddress({ ...vip, ifindex: 9999 }), false, 'with an interface its addresses went')
  })

  t.test('are for root to change, and the error says so', async t => {
    t.throws(() => asNobody(() => netlink.addAddress({ ...vip, ifindex })), {
      code: 'PERMISSION',
      message: /EPERM.*, expected root, or CAP_NET_ADMIN/,
    })
    t.ok(asNobody(() => netlink.addresses()).length > 0, 'whereas everybody may look')
  })
})

t.test('routes', { skip }, async t => {
  const { lb, netlink, ifindex } = makeHost(t, 'routes')
  ip(`-n ${lb} route add 10.8.0.0/16 via 10.0.0.254 mtu 1400`)
  ip(`-n ${lb} route add 10.9.0.0/16 via inet6 2001:db8::99 dev enp0s8`)
  ip(`-n ${lb} route add 2001:db8:8::/48 via 2001:db8::99`)
  for (const [type, prefix] of [
    ['unreachable', '10.66.1.0/24'],
    ['prohibit', '10.66.2.0/24'],
    ['blackhole', '10.66.3.0/24'],
    ['unreachable', '2001:db8:66::/48'],
    ['blackhole', '2001:db8:67::/48'],
  ]) {
    ip(`-n ${lb} route add ${type} ${prefix}`)
  }

  t.test('lead to the link, or through a router', async t => {
    const source = '10.0.0.11'
    const onLink = { type: 'unicast', ifindex, gateway: undefined, source, mtu: undefined }
    t.strictSame(netlink.routeTo(address('10.0.0.71')), onLink)
    t.strictSame(netlink.routeTo(address('10.0.0.71'), { oif: ifindex }), onLink)
    t.match(netlink.routeTo(address('10.8.1.1')), { ifindex, gateway: '10.0.0.254', source, mtu: 1400 })
    t.match(netlink.routeTo(address('10.9.1.1')), { ifindex, gateway: '2001:db8::99', source })
    t.match(netlink.routeTo(address('2001:db8::71')), { ifindex, gateway: undefined, source: '2001:db8::11' })
    t.match(netlink.routeTo(address('2001:db8:8::1')), { ifindex, gateway: '2001:db8::99' })
  })

  t.test('tell our own addresses and those of everybody from the others', async t => {
    t.match(netlink.routeTo(address('10.0.0.11')), { type: 'local' })
    t.match(netlink.routeTo(address('2001:db8::11')), { type: 'local' })
    t.match(netlink.routeTo(address('10.0.0.255')), { type: 'broadcast' })
    t.match(netlink.routeTo(address('224.0.0.18'), { oif: ifindex }), { type: 'multicast' })
  })

  t.test('are none where nothing leads, for whatever reason', async t => {
    for (const nowhere of [
      '192.0.2.1',
      '10.66.1.1',
      '10.66.2.1',
      '10.66.3.1',
      '2001:db8:66::1',
      '2001:db8:67::1',
    ]) {
      t.equal(netlink.routeTo(address(nowhere)), undefined, nowhere)
    }
  })
})

t.test('neighbours', { skip }, async t => {
  const { lb, mac, netlink, ifindex } = makeHost(t, 'neighbours')
  const web = { ifindex, address: address('10.0.0.71') }
  const web6 = { ifindex, address: address('2001:db8::71') }

  t.test('are listed for both families', async t => {
    ip(`-n ${lb} neigh add 10.0.0.99 lladdr 02:00:00:00:00:63 dev enp0s8 nud stale`)
    ip(`-n ${lb} neigh add 2001:db8::99 lladdr 02:00:00:00:00:63 dev enp0s8 nud stale`)
    const found = netlink.neighbours().filter(neighbour => neighbour.mac === '02:00:00:00:00:63')
    t.strictSame(found.map(neighbour => neighbour.address).sort(), ['10.0.0.99', '2001:db8::99'])
    t.match(found, [{ state: 'stale' }, { state: 'stale' }])
  })

  for (const key of [web, web6]) {
    t.test(`of ${key.address}'s family are managed by the kernel, and forgotten again`, async t => {
      t.equal(netlink.neighbour(key), undefined)
      t.equal(netlink.manageNeighbour(key), true)
      t.equal(netlink.manageNeighbour(key), true, 'twice is as good as once')
      t.match(netlink.neighbour(key), { ...key, managed: true, protocol: ourProtocol })
      netlink.unmanageNeighbour(key)
      t.equal(netlink.neighbour(key), undefined)
      netlink.unmanageNeighbour(key)
    })
  }

  t.test('that were there before stay when they are no longer managed', async t => {
    ip(`-n ${lb} neigh add 10.0.0.71 lladdr ${mac.web} dev enp0s8 nud reachable`)
    netlink.manageNeighbour(web)
    t.match(netlink.neighbour(web), { managed: true, protocol: undefined, mac: mac.web })
    netlink.unmanageNeighbour(web)
    t.match(netlink.neighbour(web), { managed: false, mac: mac.web })
    ip(`-n ${lb} neigh del 10.0.0.71 dev enp0s8`)
  })

  t.test('of an interface that is gone are none, and none that would have to be given up', async t => {
    const gone = { ifindex: 9999, address: web.address }
    t.equal(netlink.neighbour(gone), undefined)
    netlink.unmanageNeighbour(gone)
    t.throws(() => netlink.manageNeighbour(gone), {
      code: 'NOT_FOUND',
      message: /^resolve neighbour: 10.0.0.71 on interface 9999: ENODEV/,
    })
  })

  t.test('that an operator made permanent stay so', async t => {
    ip(`-n ${lb} neigh add 10.0.0.71 lladdr 02:00:00:00:00:99 dev enp0s8 nud permanent`)
    t.equal(netlink.manageNeighbour(web), true)
    netlink.unmanageNeighbour(web)
    t.match(netlink.neighbour(web), { state: 'permanent', managed: false, mac: '02:00:00:00:00:99' })
  })
})

t.test('a kernel', async t => {
  const key = { ifindex: 3, address: address('10.0.0.71') }
  const withSocket = async (t: Test, request: (operation: string) => Partial<Message>[]) => {
    const { Netlink } = await t.mockImport<typeof import('../../../lib/net/netlink/netlink.js')>(
      '../../../lib/net/netlink/netlink.js',
      {
        '../../../lib/net/netlink/socket.js': {
          RequestSocket: class {
            request = request
          },
        },
      },
    )
    return Netlink.open()
  }

  t.test('before 5.16 manages no neighbours, and that is said', async t => {
    const ordinary = encodeNeighbourKey(key)
    const netlink = await withSocket(t, () => [{ payload: ordinary }])
    t.equal(netlink.manageNeighbour(key), false)
  })

  t.test('whose neighbour table is full says so, and we say what to do', async t => {
    const netlink = await withSocket(t, operation => {
      if (operation.startsWith('find')) return []
      throw syscallError(errnos.ENOBUFS, operation)
    })
    t.throws(() => netlink.manageNeighbour(key), {
      errno: errnos.ENOBUFS,
      message:
        /\(the neighbour table is full, raise net\.ipv4\.neigh\.default\.gc_thresh3 in the initial namespace\)$/,
    })
  })
})

t.test('a request', async t => {
  /** A kernel that says what it is told to, one datagram for each receive. */
  const withKernel = async (t: Test, datagrams: ((sequence: number) => Partial<Message>[])[]) => {
    let sequence = 0
    class Socket {
      setOption() {}
      close() {}
      send(request: Buffer) {
        sequence = request.readUInt32LE(8)
      }
      receive() {
        const messages = datagrams.shift()?.(sequence)
        return (
          messages &&
          Buffer.concat(messages.map(message => encodeMessage({ ...blank, sequence, ...message })))
        )
      }
    }
    const { RequestSocket } = await t.mockImport<typeof import('../../../lib/net/netlink/socket.js')>(
      '../../../lib/net/netlink/socket.js',
      { '../../../lib/net/socket.js': { Socket, AF_NETLINK: 16, SOCK_RAW: 3, SOL_SOCKET: 1 } },
    )
    return new RequestSocket()
  }
  const blank = { type: 16, flags: 0, payload: Buffer.alloc(4) }
  const done = { type: NLMSG_DONE }
  const interrupted = { flags: 0x10 }

  t.test('for a table is repeated while the table changes under it', async t => {
    const socket = await withKernel(t, [
      () => [{ payload: Buffer.from('torn') }, { ...interrupted, payload: Buffer.from('torn') }],
      () => [done],
      () => [{ payload: Buffer.from('good') }],
      () => [{ payload: Buffer.from('more') }, done],
    ])
    const messages = socket.dump('list', 18, Buffer.alloc(0))
    t.strictSame(
      messages.map(message => message.payload.toString()),
      ['good', 'more'],
    )
  })

  t.test('for a table that never stands still is given up', async t => {
    const socket = await withKernel(
      t,
      Array(100).fill(() => [{ ...done, ...interrupted }]),
    )
    t.throws(() => socket.dump('list links', 18, Buffer.alloc(0)), {
      errno: errnos.EINTR,
      message: 'list links: EINTR (the table changed during each of 10 dumps)',
    })
  })

  t.test('is not confused by the answer to one before', async t => {
    const socket = await withKernel(t, [
      sequence => [
        { sequence: sequence - 1, payload: Buffer.from('late') },
        { sequence: sequence - 1, type: NLMSG_ERROR },
      ],
      () => [{ payload: Buffer.from('mine') }, { type: NLMSG_ERROR }],
    ])
    const messages = socket.request('find', 18, Buffer.alloc(0))
    t.strictSame(
      messages.map(message => message.payload.toString()),
      ['mine'],
    )
  })

  t.test('that gets no answer ends with a timeout', async t => {
    const socket = await withKernel(t, [])
    t.throws(() => socket.request('find route', 26, Buffer.alloc(0)), { message: 'find route: ETIMEDOUT' })
  })

  t.test('after close is refused', async t => {
    const netlink = Netlink.open()
    netlink.close()
    netlink.close()
    t.throws(() => netlink.links(), { code: 'CLOSED' })
  })
})

t.test('a socket speaks for the namespace in which it was opened', { skip }, async t => {
  const name = makeNamespace(t, 'moved')
  using inside = inNamespace(name, () => Netlink.open())
  using outside = Netlink.open()
  ip(`-n ${name} link add only-here0 type bridge`)
  t.ok(inside.link('only-here0'))
  t.equal(outside.link('only-here0'), undefined)
})
