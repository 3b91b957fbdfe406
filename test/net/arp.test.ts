import t from 'tap'
import { parseAddress } from '../../lib/address.js'
import { encodeGratuitousArp } from '../../lib/net/arp.js'
import { errnos } from '../../lib/net/errno.js'
import { FrameSocket } from '../../lib/net/frame-socket.js'
import { macBytes, macFromBytes } from '../../lib/net/mac.js'
import { inNamespace } from '../../lib/net/namespace.js'
import { Netlink } from '../../lib/net/netlink/netlink.js'
import { AF_PACKET, SOCK_RAW, SOL_SOCKET, Socket } from '../../lib/net/socket.js'
import { ip, makeSegment, need, skip } from './netns.js'

const ETH_P_ARP = 0x0806
const SO_RCVTIMEO = 20

const vip = parseAddress('10.0.0.1')
const mac = need(macFromBytes(Uint8Array.of(2, 0, 0, 0, 0, 0x0b)))

t.test('a MAC address', async t => {
  t.test('is written in lower case, two digits a byte', async t => {
    t.equal(macFromBytes(Uint8Array.of(2, 0, 0xab, 0, 0, 0x0b)), '02:00:ab:00:00:0b')
  })

  t.test('comes back as its bytes', async t => {
    t.strictSame([...macBytes(mac)], [2, 0, 0, 0, 0, 0x0b])
  })

  t.test('is not the address of another medium', async t => {
    t.equal(macFromBytes(new Uint8Array(4)), undefined, 'a tunnel')
    t.equal(macFromBytes(new Uint8Array(20)), undefined, 'InfiniBand')
  })
})

t.test('a gratuitous ARP', async t => {
  t.test('is the request that keepalived sends', async t => {
    const golden = [
      'ffffffffffff 02000000000b 0806', // to all, from the interface
      '0001 0800 06 04 0001', // Ethernet, IPv4, request
      '02000000000b 0a000001', // sender: the interface, the virtual address
      'ffffffffffff 0a000001', // target: all ones, the virtual address
    ]
    t.equal(encodeGratuitousArp({ address: vip, mac }).toString('hex'), golden.join('').replaceAll(' ', ''))
  })

  t.test('announces IPv4 addresses only', async t => {
    const address = parseAddress('2001:db8::1')
    t.throws(() => encodeGratuitousArp({ address, mac }), {
      code: 'USAGE',
      message: /expected an IPv4 address$/,
    })
  })

  t.test('reaches the others on the segment, and moves the address in their tables', { skip }, async t => {
    const { lb, web } = makeSegment(t, 'arp')
    ip(`-n ${web} neigh add 10.0.0.1 lladdr 02:00:00:00:00:99 dev enp0s8 nud stale`)
    using listener = inNamespace(web, () => {
      const arp = ((ETH_P_ARP & 0xff) << 8) | (ETH_P_ARP >> 8)
      return new Socket({ name: 'packet', domain: AF_PACKET, type: SOCK_RAW, protocol: arp }, socket => {
        const second = Buffer.alloc(16)
        second.writeUInt32LE(1, 0)
        socket.setOption(SOL_SOCKET, SO_RCVTIMEO, second)
      })
    })
    using there = inNamespace(web, () => Netlink.open())
    using here = inNamespace(lb, () => Netlink.open())
    using frames = inNamespace(lb, () => FrameSocket.open())
    const { index, mac } = need(here.link('enp0s8'))
    const frame = encodeGratuitousArp({ address: vip, mac: need(mac) })

    frames.send(index, frame)

    t.strictSame(listener.receive(1500), frame)
    const { index: ifindex } = need(there.link('enp0s8'))
    t.equal(there.neighbour({ ifindex, address: vip })?.mac, mac)
  })

  t.test('cannot be sent where there is no interface, or after close', { skip }, async t => {
    const frames = FrameSocket.open()
    t.throws(() => frames.send(9999, encodeGratuitousArp({ address: vip, mac })), {
      code: 'SYSCALL',
      errno: errnos.ENXIO,
    })
    frames.close()
    frames.close()
    t.throws(() => frames.send(1, new Uint8Array(14)), { code: 'CLOSED' })
  })
})

t.test('a datagram that is larger than expected is an error, never cut', { skip }, async t => {
  const { lb, web } = makeSegment(t, 'large')
  using listener = inNamespace(
    web,
    () =>
      new Socket({ name: 'packet', domain: AF_PACKET, type: SOCK_RAW, protocol: 0x0608, nonBlocking: true }),
  )
  using here = inNamespace(lb, () => Netlink.open())
  using frames = inNamespace(lb, () => FrameSocket.open())
  t.equal(listener.receive(10), undefined, 'nothing there yet')
  frames.send(need(here.link('enp0s8')).index, encodeGratuitousArp({ address: vip, mac }))
  t.throws(() => listener.receive(10), { message: 'receive on packet socket: 42 bytes: EMSGSIZE' })
})
