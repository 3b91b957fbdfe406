import t from 'tap'
import { buildFrame, type Frame } from '../tools/packet.js'
import { forwarded, loadProgram, skip } from '../tools/program.js'

const source = '2001:db8::100'
const destination = '2001:db8::1'
const syn: Frame = { source, destination }
const query: Frame = { ...syn, protocol: 'udp', destinationPort: 53, payload: 30 }
const init: Frame = { ...syn, protocol: 'sctp', destinationPort: 99 }

const HOP_BY_HOP = 0
const ROUTING = 43
const DESTINATION = 60

t.test('IPv6', { skip }, async t => {
  const program = loadProgram(t, {
    services: [
      { vip: destination },
      { vip: destination, port: 53, protocol: 'udp' },
      { vip: destination, port: 99, protocol: 'sctp' },
    ],
  })
  t.beforeEach(() => program.clear())

  const frames: Record<string, Frame> = {
    'a SYN': syn,
    'a datagram': query,
    'an association of SCTP': init,
    'the last but one hop': { ...syn, ttl: 2 },
    'a packet in a VLAN in a VLAN': { ...query, vlans: [5, 7] },
    'a fragment that is all there is (RFC 6946)': { ...syn, fragment: 0 },
    'hop-by-hop options': { ...syn, extensions: [HOP_BY_HOP], options: 3 },
    'a routing header': { ...syn, extensions: [ROUTING] },
    'extension headers in any order': {
      ...query,
      extensions: [DESTINATION, ROUTING, HOP_BY_HOP, DESTINATION],
    },
    'six extension headers, with much in them': {
      ...syn,
      extensions: Array(6).fill(DESTINATION),
      options: 20,
    },
  }
  for (const [title, frame] of Object.entries(frames)) {
    t.test(`is balanced, and only MAC addresses and the hop limit change: ${title}`, async t => {
      const { verdict, action, real, data } = program.send(frame)
      t.equal(verdict, 'tx')
      t.equal(action, 'TX')
      t.strictSame(data, forwarded(frame, real ?? 0), 'byte for byte')
    })
  }

  t.test('a connection stays with its real server, and others alternate', async t => {
    const first = program.run(syn).real
    t.equal(program.run({ ...syn, flags: ['ACK'] }).real, first)
    t.not(program.run({ ...syn, sourcePort: 2 }).real, first)
    t.not(
      program.run({ ...syn, source: '2001:db8:1::100' }).real,
      program.run({ ...syn, sourcePort: 2 }).real,
    )
    t.equal(program.run({ ...syn, flags: ['ACK'] }).real, first)
    t.strictSame(
      program
        .flows()
        .map(({ state }) => state)
        .sort(),
      ['established', 'syn_recv', 'syn_recv'],
    )
  })

  t.test('clients of one network are one client to a service with that granularity', async t => {
    program.apply({ vip: destination, persistence: { seconds: 60, granularity: 'ffff:ffff:ffff:ffff::' } })
    const all = Array.from(
      { length: 8 },
      (_, n) => program.run({ ...syn, source: `2001:db8::${n + 1}` }).real,
    )
    t.equal(new Set(all).size, 1)
    const networks = Array.from(
      { length: 8 },
      (_, n) => program.run({ ...syn, source: `2001:db8:${n + 1}::1` }).real,
    )
    t.equal(new Set(networks).size, 2)
    program.apply({ vip: destination })
  })

  t.test('is passed untouched when its headers contradict the frame', async t => {
    const whole = buildFrame({ ...syn, extensions: [HOP_BY_HOP, DESTINATION], options: 1 })
    for (let length = 54; length < whole.length; length++) {
      const frame = whole.subarray(0, length)
      const { verdict, data } = program.send(frame)
      if (verdict !== 'pass_malformed' || !data.equals(frame)) t.fail(`${verdict} at ${length} bytes`)
    }
    const lying = Buffer.from(whole)
    lying.writeUInt8(255, 14 + 40 + 1)
    t.equal(program.send(lying).verdict, 'pass_malformed', 'an extension header longer than the packet')
    const other = Buffer.from(whole)
    other.writeUInt8(0x40, 14)
    t.equal(program.send(other).verdict, 'pass_malformed', 'another version')
  })

  t.test('is passed when it says what is not balanced', async t => {
    t.equal(program.send({ ...syn, destination: '2001:db8::2' }).verdict, 'pass_not_vip')
    program.apply({ vip: destination }, {})
    const mapped = buildFrame({ ...syn, destination })
    mapped.set([...Array(10).fill(0), 0xff, 0xff, 10, 0, 0, 1], 14 + 24)
    t.equal(program.send(mapped).verdict, 'pass_not_vip', 'an IPv4 address in a packet of IPv6')
    t.equal(program.send({ ...syn, destinationPort: 81 }).verdict, 'pass_no_service')
    t.equal(program.send({ ...syn, flags: ['ACK'] }).verdict, 'pass_no_flow')
    t.equal(program.send({ ...syn, protocol: 58 }).verdict, 'pass_protocol')
    t.equal(program.send({ ...syn, fragment: 8 }).verdict, 'pass_fragment')
    t.equal(
      program.send({ ...syn, extensions: Array(7).fill(DESTINATION) }).verdict,
      'pass_protocol',
      'too many headers',
    )
  })
})
