import { availableParallelism } from 'node:os'
import t from 'tap'
import { effort } from '../tools/effort.js'
import { buildAnswer, errorFrame } from '../tools/icmp.js'
import { buildFrame, type Frame, fragmentsOf } from '../tools/packet.js'
import { forwarded, loadProgram, type ProgramUnderTest, skip } from '../tools/program.js'

const ipv6 = { source: '2001:db8::100', destination: '2001:db8::1' }

const families: Record<
  string,
  { frame: Frame & { destination: string }; most: number; unanswerable: readonly string[] }
> = {
  IPv4: {
    frame: { source: '10.0.0.100', destination: '10.0.0.1' },
    most: 508,
    unanswerable: ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255'],
  },
  IPv6: { frame: ipv6, most: 1172, unanswerable: ['::', '::1', 'ff02::1', '::ffff:10.0.0.100'] },
}

/** Forgets all flows, and begins a new ration of answers. */
function refresh(program: ProgramUnderTest): void {
  program.clear()
  program.refillAnswers()
}

for (const [family, { frame: plain, most, unanswerable }] of Object.entries(families)) {
  const vip = plain.destination

  t.test(`a spent TTL of ${family}`, { skip }, async t => {
    const program = loadProgram(t, { services: [{ vip }, { vip, protocol: 'udp', port: 53 }] })
    t.beforeEach(() => refresh(program))

    const frames: Record<string, Frame> = {
      'a SYN': {},
      'a TTL of nothing': { ttl: 0 },
      'a datagram': { protocol: 'udp', destinationPort: 53, payload: 30 },
      'an odd number of bytes': { payload: 7 },
      'options, or headers with options': { options: 10, extensions: [0, 60] },
      'a VLAN': { vlans: [5] },
      'a VLAN in a VLAN': { vlans: [5, 7], options: 1, payload: 3 },
      'as much as can be quoted': { payload: most },
      'more than can be quoted': { payload: most + 1 },
      'a full frame': { payload: 1440 },
      'a frame in several buffers': { payload: 8926 },
    }
    for (const [title, frame] of Object.entries(frames)) {
      t.test(`is answered by ICMP that quotes the packet: ${title}`, async t => {
        const bytes = buildFrame({ ...plain, ttl: 1, ...frame })
        const { verdict, action, data } = program.send(Buffer.concat([bytes, Buffer.alloc(4)]))
        t.equal(verdict, 'tx_time_exceeded')
        t.equal(action, 'TX')
        t.strictSame(data, buildAnswer(bytes, 'time exceeded'), 'byte for byte, without the padding')
      })
    }

    t.test('does not keep the packet from beginning a flow, nor from being counted', async t => {
      program.send({ ...plain, ttl: 1 })
      t.equal(program.flow(plain)?.state, 'syn_recv')
      const packets = program.stats(71).packets + program.stats(72).packets
      program.send({ ...plain, ttl: 1 })
      t.equal(program.stats(71).packets + program.stats(72).packets, packets + 1)
    })

    t.test('is not answered where the sender can be no single host', async t => {
      for (const source of unanswerable)
        t.equal(program.send({ ...plain, ttl: 1, source, destination: vip }).verdict, 'drop_ttl', source)
    })

    t.test('is answered to the first fragment, not to others', async t => {
      const query: Frame = { ...plain, protocol: 'udp', destinationPort: 53, payload: 100, ttl: 1 }
      const [first = {}, second = {}] = fragmentsOf(query, 64)
      t.strictSame(program.send(first).data, buildAnswer(buildFrame(first), 'time exceeded'))
      t.equal(program.send(second).verdict, 'drop_ttl')
    })

    t.test('of an ICMP error is not answered', async t => {
      program.send(plain)
      const type = family === 'IPv4' ? 11 : 3
      t.equal(program.send(errorFrame({ about: plain, type })).verdict, 'tx')
      t.equal(program.send(errorFrame({ about: plain, type, outer: { ttl: 1 } })).verdict, 'drop_ttl')
    })

    const tooSlow = effort(100) < 100 && 'needs a machine that answers more than a thousand times a second'
    t.test('is answered no more than a thousand times a second', { skip: tooSlow }, async t => {
      const frame = { ...plain, ttl: 1 }
      let answered = 0
      const start = performance.now()
      while (program.run(frame).action === 'TX' && answered < 100_000) answered++
      const seconds = Math.ceil((performance.now() - start) / 1000) + 1
      t.ok(answered >= 1000, `${answered} answers, by all CPUs, before the first packet without one`)
      t.ok(answered <= 1000 * seconds * availableParallelism())
      program.refillAnswers()
      t.equal(program.send(frame).verdict, 'tx_time_exceeded')
    })
  })

  t.test(`${family} that no real server takes`, { skip }, async t => {
    const program = loadProgram(t, {
      services: [
        { vip, reals: [] },
        { vip, protocol: 'udp', port: 53, reals: [{ last: 71, weight: 0 }] },
      ],
    })
    t.beforeEach(() => refresh(program))

    const frames: Record<string, Frame> = {
      'a SYN': {},
      'a datagram': { protocol: 'udp', destinationPort: 53, payload: 31 },
      'a spent TTL': { ttl: 1 },
      'a VLAN': { vlans: [5] },
    }
    for (const [title, frame] of Object.entries(frames)) {
      t.test(`is answered that nobody is at the port: ${title}`, async t => {
        const bytes = buildFrame({ ...plain, ...frame })
        const { verdict, data } = program.send(bytes)
        t.equal(verdict, 'tx_no_real')
        t.strictSame(data, buildAnswer(bytes, 'no real'))
        t.strictSame(program.flows(), [])
      })
    }

    t.test('is dropped where the sender can be no single host', async t => {
      for (const source of unanswerable)
        t.equal(program.send({ ...plain, source, destination: vip }).verdict, 'drop_no_real', source)
    })
  })

  t.test(`${family} that is too big for the way to its real server`, { skip }, async t => {
    const program = loadProgram(t, { services: [{ vip }, { vip, protocol: 'udp', port: 53 }] })
    program.hops.narrow(71, 1300)
    program.hops.narrow(72, 1300)
    t.beforeEach(() => refresh(program))
    const headers = family === 'IPv4' ? 40 : 60

    t.test('is answered with the MTU of that way, to the byte', async t => {
      const fits = { ...plain, payload: 1300 - headers }
      const { verdict, real = 0, data } = program.send(fits)
      t.equal(verdict, 'tx')
      t.ok(data.equals(forwarded(fits, real)))
      const bytes = buildFrame({ ...plain, vlans: [5], payload: 1301 - headers })
      const answer = program.send(bytes)
      t.equal(answer.verdict, 'tx_too_big')
      t.strictSame(answer.data, buildAnswer(bytes, 'too big', 1300))
    })

    t.test('is answered that its TTL is spent, if it is', async t => {
      t.equal(program.send({ ...plain, ttl: 1, payload: 1400 }).verdict, 'tx_time_exceeded')
    })

    t.test('is answered also where it might have been fragmented on the way', async t => {
      if (family === 'IPv6') return
      t.equal(program.send({ ...plain, fragment: 0, payload: 1400 }).verdict, 'tx_too_big')
    })

    t.test('is dropped if it may not be answered', async t => {
      const query: Frame = { ...plain, protocol: 'udp', destinationPort: 53, payload: 3000 }
      const [first = {}, second = {}] = fragmentsOf(query, 1400)
      t.equal(program.send(first).verdict, 'tx_too_big')
      t.equal(program.send(second).verdict, 'drop_too_big')
      for (const source of unanswerable) {
        const frame = { ...plain, payload: 1400, source, destination: vip }
        t.equal(program.send(frame).verdict, 'drop_too_big', source)
      }
    })
  })
}
