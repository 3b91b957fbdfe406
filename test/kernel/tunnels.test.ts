import t from 'tap'
import { parseAddress } from '../../lib/address.js'
import { mapLayouts } from '../../lib/dataplane/layout.gen.js'
import { Oracle } from '../../lib/dataplane/oracle.js'
import { LOOPBACK } from '../tools/hops.js'
import { buildAnswer, errorFrame } from '../tools/icmp.js'
import { buildFrame, type Frame, fragmentsOf } from '../tools/packet.js'
import { forwarded, loadProgram, skip } from '../tools/program.js'
import type { ServiceWish } from '../tools/service-spec.js'
import { outerId, tunnelled } from '../tools/tunnel.js'

const tunnels = [
  { inner: 4, outer: 4, client: { source: '10.0.0.100', destination: '10.0.0.1' } },
  { inner: 4, outer: 6, client: { source: '10.0.0.100', destination: '10.0.0.2' } },
  { inner: 6, outer: 4, client: { source: '2001:db8::100', destination: '2001:db8::1' } },
  { inner: 6, outer: 6, client: { source: '2001:db8::100', destination: '2001:db8::2' } },
] as const

const servicesOf = tunnels.map(({ outer, client: { destination: vip } }): ServiceWish[] => {
  const reals = [71, 72].map(last => ({ last, family: outer, forwarding: 'tun' as const }))
  return [
    { vip, reals },
    { vip, port: 53, protocol: 'udp', reals },
    { vip, port: 99, protocol: 'sctp', reals },
  ]
})

t.test('a tunnel', { skip }, async t => {
  const program = loadProgram(t, { services: servicesOf.flat() })
  t.beforeEach(() => {
    program.clear()
    program.refillAnswers()
    for (const last of [71, 72]) program.hops.restore(last)
  })

  for (const [index, { inner, outer, client }] of tunnels.entries()) {
    t.test(`of IPv${inner} in IPv${outer}`, async t => {
      const vip = client.destination
      const service = index * 3
      const query: Frame = { ...client, protocol: 'udp', destinationPort: 53, payload: 200 }

      const frames: Record<string, Frame> = {
        'a SYN': client,
        'a datagram': query,
        'a packet of SCTP': { ...client, protocol: 'sctp', destinationPort: 99 },
        'an odd number of bytes': { ...client, payload: 7 },
        'the last but one hop': { ...client, ttl: 2 },
        'a traffic class': { ...client, trafficClass: 0xb9 },
        'congestion, which the outer header does not repeat': { ...client, trafficClass: 0x2b },
        'options, or headers with options': { ...client, options: 10, extensions: [0, 43, 60] },
        'a frame in several buffers': { ...client, payload: 8926 },
      }
      for (const [title, frame] of Object.entries(frames)) {
        t.test(`takes the whole packet, with a TTL less: ${title}`, async t => {
          const { verdict, action, real = 0, data } = program.send(frame)
          t.equal(verdict, 'tx')
          t.equal(action, 'TX')
          t.strictSame(data, tunnelled(frame, real, outer, data), 'byte for byte')
        })
      }

      t.test('has the VLAN tags that lead to the real', async t => {
        const tags = [[], [5], [5, 7]] as const
        for (const came of tags)
          for (const leading of tags) {
            for (const last of [71, 72]) program.hops.tag(last, leading)
            const { verdict, real = 0, data } = program.send({ ...client, vlans: came })
            t.equal(verdict, 'tx')
            t.strictSame(
              data,
              tunnelled({ ...client, vlans: leading }, real, outer, data),
              `${came} to ${leading}`,
            )
          }
      })

      t.test('leaves the padding of a short frame behind the packet', async t => {
        const padded = Buffer.concat([buildFrame(client), Buffer.alloc(6)])
        const { real = 0, data } = program.run(padded)
        t.strictSame(data, Buffer.concat([tunnelled(client, real, outer, data), Buffer.alloc(6)]))
      })

      t.test('is for every packet of a flow, by turns for new ones', async t => {
        const goesOn: Frame = { ...client, flags: ['ACK'], payload: 100 }
        const { real = 0 } = program.run(client)
        for (let packet = 0; packet < 3; packet++) {
          const { data } = program.run(goesOn)
          t.strictSame(data, tunnelled(goesOn, real, outer, data))
        }
        t.not(program.run({ ...client, sourcePort: 2 }).real, real)
      })

      t.test('counts bytes of the packet inside, as IPVS does', async t => {
        const before = program.stats(71, service)
        const frame = { ...client, payload: 100 }
        while (program.run({ ...frame, sourcePort: program.flows().length + 1 }).real !== 71);
        t.strictSame(program.stats(71, service), {
          connections: before.connections + 1,
          packets: before.packets + 1,
          bytes: before.bytes + buildFrame(frame).length - 14,
        })
      })

      t.test('takes a spent TTL as little as any other way', async t => {
        for (const frame of [
          { ...client, ttl: 1 },
          { ...client, ttl: 0, vlans: [5] },
        ]) {
          const { verdict, data } = program.send(frame)
          t.equal(verdict, 'tx_time_exceeded')
          t.strictSame(data, buildAnswer(buildFrame(frame), 'time exceeded'), 'its TTL is the one that came')
        }
      })

      t.test('takes no packet that is too big with its header: answered with what fits', async t => {
        for (const last of [71, 72]) program.hops.narrow(last, 1400)
        const headers = inner === 4 ? 40 : 60
        const fits = { ...client, payload: 1400 - headers }
        const { verdict, real = 0, data } = program.send(fits)
        t.equal(verdict, 'tx')
        t.strictSame(data, tunnelled(fits, real, outer, data))
        const bytes = buildFrame({ ...client, vlans: [5], payload: 1401 - headers })
        const answer = program.send(bytes)
        t.equal(answer.verdict, 'tx_too_big')
        t.strictSame(answer.data, buildAnswer(bytes, 'too big', 1400), 'with the TTL that came')
        t.equal(program.send({ ...fits, ttl: 1, payload: 1400 }).verdict, 'tx_time_exceeded', 'TTL first')
      })

      t.test('takes ICMP errors about its flows', async t => {
        const { real = 0 } = program.run(client)
        const before = program.stats(real, service)
        const error = errorFrame({ about: client, type: inner === 4 ? 3 : 2, code: inner === 4 ? 4 : 0 })
        const { verdict, data } = program.send(error)
        t.equal(verdict, 'tx')
        t.strictSame(data, tunnelled(error, real, outer, data))
        t.strictSame(program.stats(real, service), {
          connections: before.connections,
          packets: before.packets + 1,
          bytes: before.bytes + buildFrame(error).length - 14,
        })
      })

      t.test('takes fragments as they are', async t => {
        const reached = fragmentsOf(query, 64).map(fragment => {
          const { verdict, real = 0, data } = program.send(fragment)
          t.equal(verdict, 'tx')
          t.strictSame(data, tunnelled(fragment, real, outer, data))
          return real
        })
        t.equal(reached.length, 4)
        t.equal(new Set(reached).size, 1)
      })

      t.test('leads by another interface, too', async t => {
        for (const last of [71, 72]) program.hops.restore(last, 99)
        const { key, value } = mapLayouts.egress
        program.loaded.map('egress').typed({ key, value }).update(99, LOOPBACK)
        const { verdict, action, real = 0, data } = program.send(client)
        t.equal(verdict, 'redirect')
        t.equal(action, 'REDIRECT')
        t.strictSame(data, tunnelled(client, real, outer, data))
      })

      t.test('takes nothing where the driver leaves no room for its header', async t => {
        const outcome = program.sendCrowded(client)
        if (outcome) t.match(outcome, { verdict: 'drop_no_headroom', action: 'DROP' })
        else t.comment('this kernel lets no test take that room')
      })

      t.test('leads to nobody whose next hop is not known', async t => {
        program.run(client)
        for (const last of [71, 72]) program.hops.change(last, { reason: 'silent', kind: 'passing' })
        t.equal(program.send({ ...client, flags: ['ACK'] }).verdict, 'drop_no_neighbour')
        t.equal(program.send({ ...client, sourcePort: 9 }).verdict, 'tx_no_real')
      })

      t.test('is where a packet would go', async t => {
        const oracle = new Oracle(program.loaded, program.tables, () => program.services.running)
        const source = { address: parseAddress(client.source), port: 1 }
        const answer = oracle.ask({ source, destination: { address: parseAddress(vip), port: 80 } })
        t.match(answer, { verdict: 'tx', forwarding: 'tun', mac: /^02:00:00:00:01:4[78]$/ })
      })
    })
  }

  t.test('of IPv4 gives an id of its own to each packet that may be fragmented on the way', async t => {
    for (const frame of [{ fragment: 0 }, tunnels[2].client]) {
      const ids = new Set<number>()
      for (let packet = 0; packet < 20; packet++) {
        const { real = 0, data } = program.run(frame)
        ids.add(outerId(data))
        t.strictSame(data, tunnelled(frame, real, 4, data))
      }
      t.ok(ids.size > 15, `${ids.size} of 20`)
    }
  })

  t.test('and direct routing serve one service', async t => {
    program.apply({
      reals: [71, { last: 72, forwarding: 'tun' }, { last: 73, forwarding: 'tun', family: 6 }],
    })
    const wanted = {
      71: (frame: Frame) => forwarded(frame, 71),
      72: (frame: Frame, sent: Buffer) => tunnelled(frame, 72, 4, sent),
      73: (frame: Frame, sent: Buffer) => tunnelled(frame, 73, 6, sent),
    }
    const reached = [1, 2, 3, 4, 5, 6].map(sourcePort => {
      const { real, data } = program.run({ sourcePort })
      if (real !== 71 && real !== 72 && real !== 73) throw new Error(`sent to ${real}`)
      t.strictSame(data, wanted[real]({ sourcePort }, data))
      return real
    })
    t.strictSame(reached.slice(3), reached.slice(0, 3))
    t.equal(new Set(reached).size, 3)
  })

  t.test('takes over the flows of a real that was routed to directly', async t => {
    program.apply({ reals: [71] })
    const goesOn: Frame = { sourcePort: 1, flags: ['ACK'] }
    program.run({ sourcePort: 1 })
    t.strictSame(program.run(goesOn).data, forwarded(goesOn, 71))
    program.apply({ reals: [{ last: 71, forwarding: 'tun' }] })
    const { data } = program.run(goesOn)
    t.strictSame(data, tunnelled(goesOn, 71, 4, data))
  })
})
