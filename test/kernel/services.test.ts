import t from 'tap'
import { geometryFor } from '../../lib/dataplane/geometry.js'
import { PinDirectory } from '../../lib/dataplane/pins.js'
import { makeBpffs } from '../libbpf/kernel.js'
import type { Frame } from '../tools/packet.js'
import { loadProgram, type ProgramUnderTest, skip, startProgram } from '../tools/program.js'
import { serviceSpec } from '../tools/service-spec.js'

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

t.test('a service of a mark', { skip }, async t => {
  const program = loadProgram(t)
  const range = { first: 8000, last: 9000 }
  const marked = {
    port: 1,
    reals: [73],
    also: [
      { ports: range, mark: 5 },
      { vip: '10.0.0.2', protocol: 'udp' as const, ports: 'all' as const, mark: 5 },
    ],
  }
  const web = { also: [{ ports: 8080 }] }
  const query = { destination: '10.0.0.2', protocol: 'udp' as const }

  t.test('gets the packets to its ports, whatever other service has one of them', async t => {
    program.apply(web, marked)
    const realOf = (destinationPort: number) => program.run({ destinationPort }).real
    t.strictSame([8000, 8080, 9000].map(realOf), [73, 73, 73])
    t.not(realOf(80), 73)
    t.equal(program.run({ ...query, destinationPort: 53 }).real, 73)
    t.equal(program.send({ destinationPort: 7999 }).verdict, 'pass_no_service')
    t.equal(program.send({ destinationPort: 9001 }).verdict, 'pass_no_service')
    t.equal(program.send({ destinationPort: 8000, protocol: 'udp' }).verdict, 'pass_no_service')
    t.equal(program.send({ ...query, protocol: 'tcp' }).verdict, 'pass_no_service')
  })

  t.test('leaves them when it goes', async t => {
    program.apply(web)
    program.clear()
    t.not(program.run({ destinationPort: 8080, sourcePort: 2 }).real, 73)
    t.equal(program.send({ destinationPort: 8000, sourcePort: 2 }).verdict, 'pass_no_service')
    t.equal(program.send({ ...query, sourcePort: 2 }).verdict, 'pass_not_vip')
    t.strictSame(program.tables.marks.all(), [])
  })

  t.test('shares an address with other marks', async t => {
    program.apply(marked, { port: 2, reals: [74], also: [{ ports: { first: 1000, last: 1001 }, mark: 6 }] })
    program.services.update(serviceSpec({ ...marked, reals: [75] }))
    const realOf = (destinationPort: number) => program.run({ destinationPort, sourcePort: 3 }).real
    t.strictSame([1000, 8000].map(realOf), [74, 75])
  })

  t.test('is found again by the next process', async t => {
    const pins = new PinDirectory(makeBpffs(t), 'test')
    const before = startProgram(pins, geometryFor(1024, 1024, 1024))
    before.apply({ port: 443 }, marked)
    const ids = before.services.running.map(({ id }) => id)
    before.close()
    const after = startProgram(pins, geometryFor(1024, 1024, 1024))
    t.teardown(() => after.close())
    const { matches, ...rest } = serviceSpec(marked)
    after.services.apply([
      { ...rest, name: 'fwmark 5', matches: matches.slice(1) },
      serviceSpec({ port: 443 }),
    ])
    t.strictSame(
      after.services.running.map(({ id }) => id),
      ids.toReversed(),
    )
  })
})

t.test('a service for all ports', { skip }, async t => {
  const program = loadProgram(t)
  program.apply({ port: 0, persistence: { seconds: 50 }, reals: [71, 72] }, { port: 80, reals: [73] })

  t.test('leaves a port to the service that has it', async t => {
    t.equal(program.run({ destinationPort: 80 }).real, 73)
    t.equal(program.send({ destinationPort: 80, protocol: 'udp' }).verdict, 'pass_no_service')
  })

  t.test('keeps a client at one real server, whatever the port', async t => {
    const realOf = (destinationPort: number) =>
      program.run({ destinationPort, sourcePort: destinationPort }).real
    t.equal(new Set([21, 40000, 81, 65535].map(realOf)).size, 1)
  })
})
