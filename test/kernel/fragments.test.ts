import t from 'tap'
import { geometryFor } from '../../lib/dataplane/geometry.js'
import { mapLayouts } from '../../lib/dataplane/layout.gen.js'
import { errorFrame } from '../tools/icmp.js'
import { buildFrame, type Frame, fragmentsOf } from '../tools/packet.js'
import { forwarded, loadProgram, skip } from '../tools/program.js'

const families = {
  IPv4: { source: '10.0.0.100', destination: '10.0.0.1' },
  IPv6: { source: '2001:db8::100', destination: '2001:db8::1' },
}

for (const [family, client] of Object.entries(families)) {
  t.test(`fragments of ${family}`, { skip }, async t => {
    const vip = client.destination
    const program = loadProgram(t, {
      services: [{ vip }, { vip, port: 53, protocol: 'udp' }, { vip, port: 99, protocol: 'sctp' }],
    })
    t.beforeEach(() => program.clear())
    const query: Frame = { ...client, protocol: 'udp', destinationPort: 53, payload: 200 }

    const datagrams: Record<string, Frame> = {
      'a datagram': query,
      'a segment of TCP': { ...client, payload: 200 },
      'a packet of SCTP': { ...client, protocol: 'sctp', destinationPort: 99, payload: 200 },
      'in a VLAN in a VLAN': { ...query, vlans: [5, 7] },
      'with options, or headers with options': { ...query, options: 3, extensions: [0, 43, 60] },
      'the last but one hop': { ...query, ttl: 2 },
    }
    for (const [title, datagram] of Object.entries(datagrams)) {
      t.test(`go where the first one went, and nothing else changes: ${title}`, async t => {
        const fragments = fragmentsOf(datagram, 64)
        t.equal(fragments.length, 4)
        const reals = fragments.map(fragment => {
          const { verdict, real = 0, data } = program.send(fragment)
          t.equal(verdict, 'tx')
          t.strictSame(data, forwarded(fragment, real), 'byte for byte')
          return real
        })
        t.equal(new Set(reals).size, 1)
        t.equal(program.flows().length, 1)
        t.equal(program.run(datagram).real, reals[0], 'and so do packets that are whole')
      })
    }

    t.test('of two datagrams are not mixed up', async t => {
      const two = [query, { ...query, sourcePort: 2, id: 0x1235 }].map(frame => fragmentsOf(frame, 104))
      const [[one, one2], [other, other2]] = two as [[Frame, Frame], [Frame, Frame]]
      const first = program.run(one).real
      const second = program.run(other).real
      t.not(first, second)
      t.equal(program.run(one2).real, first)
      t.equal(program.run(other2).real, second)
    })

    t.test('go up the stack before their first one, and are not kept', async t => {
      const [first = {}, second = {}, third = {}] = fragmentsOf(query, 72)
      const { verdict, action, data } = program.send(second)
      t.equal(verdict, 'pass_fragment')
      t.equal(action, 'PASS')
      t.strictSame(data, buildFrame(second))
      t.equal(program.send(first).verdict, 'tx')
      t.equal(program.send(third).verdict, 'tx')
      t.equal(program.send({ ...third, id: 1 }).verdict, 'pass_fragment', 'another datagram')
      t.equal(
        program.send({ ...third, source: client.destination }).verdict,
        'pass_fragment',
        'another sender',
      )
    })

    t.test('are remembered for 30 seconds', async t => {
      const [first = {}, second = {}] = fragmentsOf(query, 104)
      program.run(first)
      program.wait(29)
      t.equal(program.send(second).verdict, 'tx')
      program.wait(1)
      t.equal(program.send(second).verdict, 'pass_fragment')
    })

    t.test('are counted for their real server', async t => {
      const fragments = fragmentsOf(query, 104)
      const [first = {}] = fragments
      const { real = 0 } = program.run(first)
      const before = program.stats(real, 1)
      for (const fragment of fragments) program.run(fragment)
      const bytes = fragments.reduce((sum, fragment) => sum + buildFrame(fragment).length - 14, 0)
      t.strictSame(program.stats(real, 1), {
        connections: before.connections,
        packets: before.packets + 2,
        bytes: before.bytes + bytes,
      })
    })

    t.test('go the way of their first one when it goes up', async t => {
      const cases: [Frame, string][] = [
        [{ ...query, destinationPort: 54 }, 'pass_no_service'],
        [{ ...client, flags: ['ACK'], payload: 200 }, 'pass_no_flow'],
        [{ ...client, protocol: family === 'IPv4' ? 1 : 58, payload: 200 }, 'pass_protocol'],
      ]
      for (const [datagram, verdict] of cases) {
        const [first = {}, second = {}] = fragmentsOf(datagram, 104)
        t.equal(program.send(first).verdict, verdict)
        t.equal(program.send(second).verdict, 'pass_fragment')
      }
    })

    t.test('too small for the ports and flags go up', async t => {
      const [first = {}, second = {}] = fragmentsOf({ ...client, payload: 200 }, 16)
      t.equal(program.send(first).verdict, 'pass_malformed')
      t.equal(program.send(second).verdict, 'pass_fragment')
      const cut = { ...query, fragment: family === 'IPv4' ? 0x2000 : 1, body: Buffer.alloc(4) }
      t.equal(program.send(cut).verdict, 'pass_malformed')
    })

    t.test('cut off anywhere go up untouched', async t => {
      for (const frame of fragmentsOf({ ...query, extensions: [60] }, 104)) {
        const whole = buildFrame(frame)
        for (let length = 14; length < whole.length; length++) {
          const { action, data } = program.run(whole.subarray(0, length))
          if (action !== 'PASS' || !whole.subarray(0, length).equals(data)) t.fail(`${action} at ${length}`)
        }
      }
    })

    t.test('are forgotten when there are too many of them, the newest last', async t => {
      const [first = {}, second = {}] = fragmentsOf(query, 104)
      const { fragments } = geometryFor(1024, 1024, 1024)
      for (let id = 0; id < 4 * fragments; id++) program.run({ ...first, id })
      const { key, value } = mapLayouts.fragments
      const known = [...program.loaded.map('fragments').typed({ key, value })].length
      t.ok(known <= fragments, `${known} of ${fragments}`)
      t.equal(program.send({ ...second, id: 4 * fragments - 1 }).verdict, 'tx')
    })

    t.test('whose first one an ICMP error is about: it goes to the same real server', async t => {
      const [first = {}] = fragmentsOf(query, 104)
      const { real } = program.run(first)
      const type = family === 'IPv4' ? 3 : 2
      t.equal(program.run(errorFrame({ about: query, type })).real, real)
    })
  })
}

t.test('an extension behind the fragment header', { skip }, async t => {
  const program = loadProgram(t, { services: [{ vip: '2001:db8::1', port: 53, protocol: 'udp' }] })
  const query: Frame = { ...families.IPv6, protocol: 'udp', destinationPort: 53, payload: 30 }
  const whole = buildFrame(query).subarray(54)
  const options = Buffer.of(17, 0, 1, 4, 0, 0, 0, 0)
  const frame: Frame = { ...query, protocol: 60, fragment: 1, body: Buffer.concat([options, whole]) }

  t.test('is looked through in a first fragment', async t => {
    const { verdict, real = 0, data } = program.send(frame)
    t.equal(verdict, 'tx')
    t.strictSame(data, forwarded(frame, real))
  })

  t.test('is malformed when it is longer than the packet', async t => {
    const lying = { ...frame, body: Buffer.concat([Buffer.of(17, 200, 1, 4, 0, 0, 0, 0), whole]) }
    const padded = Buffer.concat([buildFrame(lying), Buffer.alloc(2000)])
    t.equal(program.send(padded).verdict, 'pass_malformed')
  })
})
