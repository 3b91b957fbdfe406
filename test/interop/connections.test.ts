import t from 'tap'
import { Lab } from '../../cli/demo/lab/lab.js'
import type { Frame, TcpFlag } from '../tools/packet.js'
import { loadProgram, skip } from '../tools/program.js'
import { BothDirectors } from './both-directors.js'
import { IpvsDirector } from './ipvs-director.js'

/** SYNs, or whatever the frame says, of connections of one client. */
function packets(count: number, from: number, frame: Frame = {}): Frame[] {
  return Array.from({ length: count }, (_, index) => ({ sourcePort: from + index, ...frame }))
}

function flags(count: number, from: number, ...flags: TcpFlag[]): Frame[] {
  return packets(count, from, { flags })
}

const reals = [71, 72, 73]
/** One real server without a weight. */
const drained = [71, { last: 72, weight: 0 }, 73]
const clients = ['10.1.0.1', '10.1.0.2', '10.1.1.1', '10.2.0.1', '10.1.0.1', '10.9.0.1'].map(source => ({
  source,
}))
const udp = { protocol: 'udp' as const }

t.test('beside real IPVS', { skip }, async t => {
  const lab = await Lab.open()
  t.teardown(() => lab.close())
  const ipvs = await IpvsDirector.start(lab)
  t.teardown(() => ipvs.close())
  const both = new BothDirectors(ipvs, loadProgram(t, { services: [] }))

  let used = 73
  /** Three reals that no service has had. */
  const unused = () => [++used, ++used, ++used]

  t.test('connections have the same states, times and counters', async t => {
    await both.begin({ reals: unused() })
    await both.send(t, packets(8, 1000), 'begun')
    await both.send(t, flags(6, 1000, 'ACK'), 'established')
    await both.send(t, flags(4, 1000, 'ACK', 'FIN'), 'closing')
    await both.send(t, flags(2, 1000, 'RST'), 'broken off')
    await both.send(t, flags(2, 1007, 'FIN'), 'closed before they were established')
    await both.send(t, packets(1, 1000), 'begun again')
    await both.send(t, flags(1, 3000, 'ACK'), 'never begun')
    await both.compareConnections(t)
    await both.compareTraffic(t)
  })

  t.test('those of UDP, too', async t => {
    await both.begin({ ...udp, reals: unused() })
    await both.send(t, [...packets(6, 1000, udp), ...packets(6, 1000, { ...udp, payload: 100 })], 'datagrams')
    await both.compareConnections(t)
    await both.compareTraffic(t)
  })

  for (const onePacket of [false, true]) {
    t.test(`${onePacket ? 'one-packet' : 'ordinary'} scheduling of UDP`, async t => {
      await both.begin({ ...udp, reals: unused(), onePacket })
      await both.send(t, [...packets(4, 1000, udp), ...packets(4, 1000, udp)], 'the same client twice')
      await both.compareConnections(t)
      await both.compareTraffic(t)
      await both.begin({ ...udp, reals, onePacket, persistence: { seconds: 60 } })
      await both.send(
        t,
        [...packets(4, 1000, udp), ...clients.map(client => ({ ...client, ...udp }))],
        'persistent',
      )
      await both.compareConnections(t)
    })
  }

  for (const granularity of ['255.255.255.255', '255.255.255.0', '255.254.0.0']) {
    t.test(`persistence by ${granularity}`, async t => {
      await both.begin({ reals: unused(), persistence: { seconds: 360, granularity } })
      await both.send(t, [...clients, ...packets(4, 1000)], 'keeps clients')
      await both.send(t, flags(1, 1000, 'ACK'), 'one of which is established')
      await both.compareConnections(t)
      await both.compareTraffic(t)
    })
  }

  t.test('persistence over all ports of an address', async t => {
    await both.begin({
      port: 0,
      reals: reals.map(last => ({ last, port: 0 })),
      persistence: { seconds: 360 },
    })
    const ports = [80, 443, 8080].flatMap(destinationPort =>
      clients.map(client => ({ ...client, destinationPort })),
    )
    await both.send(t, ports, 'keeps clients whatever port they ask for')
    await both.compareConnections(t)
  })

  for (const expireQuiescentTemplate of [false, true]) {
    t.test(
      `persistent clients of a drained real server, expire_quiescent_template=${+expireQuiescentTemplate}`,
      async t => {
        await both.begin({ reals, persistence: { seconds: 360 } })
        await both.follow({ expireQuiescentTemplate })
        await both.send(t, clients, 'begun')
        await both.apply({ reals: drained, persistence: { seconds: 360 } })
        const again = clients.map(client => ({ ...client, sourcePort: 2000 }))
        await both.send(t, again, 'begun again')
        await both.send(
          t,
          clients.map(client => ({ ...client, flags: ['ACK' as const] })),
          'established',
        )
      },
    )
  }

  for (const expireNodestConn of [false, true]) {
    t.test(`connections of a real server that has left, expire_nodest_conn=${+expireNodestConn}`, async t => {
      for (const wish of [{}, { persistence: { seconds: 360 } }, udp]) {
        await both.begin({ ...wish, reals })
        await both.follow({ expireNodestConn })
        const frame = 'protocol' in wish ? udp : {}
        await both.send(
          t,
          [...packets(6, 1000, frame), ...clients.map(client => ({ ...client, ...frame }))],
          'begun',
        )
        await both.send(t, packets(3, 1000, { ...frame, flags: ['ACK'] }), 'established')
        await both.apply({ ...wish, reals: [71, 73] })
        await both.send(t, packets(6, 1000, { ...frame, flags: ['ACK'] }), 'going on')
        await both.send(t, packets(6, 1000, frame), 'begun again')
        await both.apply({ ...wish, reals })
        await both.send(t, packets(6, 1000, { ...frame, flags: ['ACK'] }), 'when it is back')
      }
    })
    t.test(`connections of a drained real server, expire_nodest_conn=${+expireNodestConn}`, async t => {
      await both.begin({ reals })
      await both.follow({ expireNodestConn })
      await both.send(t, packets(6, 1000), 'begun')
      await both.send(t, flags(3, 1000, 'ACK'), 'established')
      await both.apply({ reals: drained })
      await both.send(t, flags(6, 1000, 'ACK'), 'going on')
      await both.send(t, packets(6, 1000), 'begun again')
    })
  }

  for (const connReuseMode of [0, 1, 2, 3]) {
    t.test(`ports that are used again, conn_reuse_mode=${connReuseMode}`, async t => {
      for (const wish of [{}, { persistence: { seconds: 360 } }]) {
        await both.begin({ ...wish, reals })
        await both.follow({ connReuseMode })
        await both.send(t, packets(8, 1000), 'begun')
        await both.send(t, flags(6, 1000, 'ACK'), 'established')
        await both.send(t, flags(4, 1000, 'ACK', 'FIN'), 'closing')
        await both.send(t, flags(1, 1003, 'RST'), 'broken off')
        await both.send(t, flags(1, 1006, 'FIN'), 'closed before it was established')
        await both.send(t, packets(8, 1000), 'begun again')
        await both.compareConnections(t)
      }
    })
  }

  t.test('thresholds', async t => {
    const bounded = [71, { last: 72, upperThreshold: 3 }, { last: 73, upperThreshold: 4, lowerThreshold: 2 }]
    for (const scheduler of ['rr', 'wlc', 'sh'] as const) {
      await both.begin({ scheduler, reals: bounded })
      await both.send(t, packets(20, 1000), 'begun')
      await both.send(t, flags(20, 1000, 'ACK'), 'established')
      await both.apply({
        scheduler,
        reals: [71, { last: 72, upperThreshold: 6 }, { last: 73, upperThreshold: 0 }],
      })
      await both.send(t, packets(20, 2000), 'with more room')
    }
    await both.begin({ scheduler: 'sh', flags: { fallback: true }, reals: bounded })
    await both.send(t, clients, 'and where clients that find no room go on to another real server')
  })

  for (const scheduler of ['sh', 'mh', 'dh', 'rr'] as const) {
    t.test(`${scheduler} over IPv6`, async t => {
      const flags = { port: scheduler === 'mh', fallback: scheduler === 'mh' }
      await both.begin({ scheduler, flags, vip: '2001:db8::1', reals: [71, { last: 72, weight: 3 }, 73] })
      const syns = Array.from({ length: 23 }, (_, index) => ({
        source: `2001:db8:1:${(index * 2741).toString(16)}::${(index * 7 + 1).toString(16)}`,
        destination: '2001:db8::1',
        sourcePort: 2000 + 7 * index,
      }))
      await both.send(t, syns, 'picks the same')
      await both.compareConnections(t)
    })
  }
})
