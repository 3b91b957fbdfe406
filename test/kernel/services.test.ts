import t from 'tap'
import type { Frame } from '../tools/packet.js'
import { loadProgram, type ProgramUnderTest, skip } from '../tools/program.js'

/** Which reals new connections to these ports go to, one after the other. */
function reals(
  program: ProgramUnderTest,
  ports: readonly number[],
  frame: Frame = {},
): (number | undefined)[] {
  return ports.map((destinationPort, index) => {
    return program.run({ ...frame, destinationPort, sourcePort: 1000 + index }).real
  })
}

t.test('whose a packet is', { skip }, async t => {
  const program = loadProgram(t)
  t.beforeEach(() => program.clear())

  t.test('a service for all ports has those that no other service has', async t => {
    program.apply({ port: 0, reals: [71] }, { port: 80, reals: [72] })
    t.strictSame(reals(program, [79, 80, 81, 443, 65535]), [71, 72, 71, 71, 71])
    t.equal(
      program.send({ protocol: 'udp', destinationPort: 79 }).verdict,
      'pass_no_service',
      'of its protocol',
    )
  })

  t.test('a client of a persistent service for all ports has one real server for all of them', async t => {
    program.apply({ port: 0, persistence: { seconds: 60 } })
    t.equal(new Set(reals(program, [21, 80, 443, 8080])).size, 1)
    t.equal(program.templates().length, 1)
  })

  t.test('a service with several addresses and ports is one service', async t => {
    program.apply({ also: [{ ports: 8080 }, { vip: '10.0.0.2', ports: 80 }] })
    const [first] = reals(program, [80])
    const [second] = reals(program, [8080], { source: '10.0.0.101' })
    const [third] = reals(program, [80], { destination: '10.0.0.2' })
    t.strictSame([second, third], [first === 71 ? 72 : 71, first], 'with one round')
  })

  t.test('a mark comes before a port, and has the ports and protocols that its rules say', async t => {
    const mark = 5
    program.apply(
      { port: 80, reals: [71] },
      {
        port: 1,
        reals: [72],
        also: [
          { ports: { first: 70, last: 90 }, mark },
          { protocol: 'udp', ports: 'all', mark },
        ],
      },
    )
    t.strictSame(reals(program, [70, 80, 90, 1]), [72, 72, 72, 72])
    t.strictSame(reals(program, [69, 91]), [undefined, undefined])
    t.strictSame(reals(program, [9, 80], { protocol: 'udp' }), [72, 72])
    program.apply({ port: 80, reals: [71] })
    program.clear()
    t.strictSame(reals(program, [70, 80]), [undefined, 71], 'and none when it is gone')
  })

  t.test(
    'one-packet scheduling sends every datagram to the next real server, and remembers none',
    async t => {
      program.apply({ protocol: 'udp', port: 53, onePacket: true, reals: [71, 72] })
      const query: Frame = { protocol: 'udp', destinationPort: 53 }
      const all = Array.from({ length: 4 }, () => program.run(query).real)
      t.strictSame(all.toSorted(), [71, 71, 72, 72])
      t.equal(program.flows().length, 0)
      t.equal(program.stats(71).connections, 2, 'each is a connection')
    },
  )
})
