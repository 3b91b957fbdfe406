import { availableParallelism } from 'node:os'
import t from 'tap'
import { buildFrame, buildTimeExceeded, type Frame } from '../tools/packet.js'
import { loadProgram, skip } from '../tools/program.js'

t.test('a spent TTL', { skip }, async t => {
  const program = loadProgram(t, { services: [{}, { protocol: 'udp', port: 53 }] })
  t.beforeEach(() => {
    program.clear()
    program.refillAnswers()
  })

  const frames: Record<string, Frame> = {
    'a SYN': { ttl: 1 },
    'a TTL of nothing': { ttl: 0 },
    'a datagram': { ttl: 1, protocol: 'udp', destinationPort: 53, payload: 30 },
    'an odd number of bytes': { ttl: 1, payload: 7 },
    'IPv4 options': { ttl: 1, options: 10 },
    'a VLAN': { ttl: 1, vlans: [5] },
    'a VLAN in a VLAN': { ttl: 1, vlans: [5, 7], options: 1, payload: 3 },
    'as much as can be quoted': { ttl: 1, payload: 508 },
    'more than can be quoted': { ttl: 1, payload: 509 },
    'a full frame': { ttl: 1, payload: 1460 },
  }
  for (const [title, frame] of Object.entries(frames)) {
    t.test(`is answered by ICMP that quotes the packet: ${title}`, async t => {
      const bytes = buildFrame(frame)
      const { verdict, action, data } = program.send(Buffer.concat([bytes, Buffer.alloc(4)]))
      t.equal(verdict, 'tx_time_exceeded')
      t.equal(action, 'TX')
      t.strictSame(data, buildTimeExceeded(bytes), 'byte for byte, without the padding')
    })
  }

  t.test('does not keep the packet from beginning a flow, nor from being counted', async t => {
    program.send({ ttl: 1 })
    t.equal(program.flow()?.state, 'syn_recv')
    const packets = program.stats(71).packets + program.stats(72).packets
    program.send({ ttl: 1 })
    t.equal(program.stats(71).packets + program.stats(72).packets, packets + 1)
  })

  t.test('is not answered where the sender can be no single host', async t => {
    for (const source of ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255'])
      t.equal(program.send({ ttl: 1, source }).verdict, 'drop_ttl', source)
  })

  t.test('is answered no more than a thousand times a second', async t => {
    let answered = 0
    const start = performance.now()
    while (program.run({ ttl: 1 }).action === 'TX' && answered < 100_000) answered++
    const seconds = Math.ceil((performance.now() - start) / 1000) + 1
    t.ok(answered >= 1000, `${answered} answers, by all CPUs, before the first packet without one`)
    t.ok(answered <= 1000 * seconds * availableParallelism())
    program.refillAnswers()
    t.equal(program.send({ ttl: 1 }).verdict, 'tx_time_exceeded')
  })
})
