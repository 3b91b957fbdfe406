import t from 'tap'
import { geometryFor } from '../../lib/dataplane/geometry.js'
import { PinDirectory } from '../../lib/dataplane/pins.js'
import { makeBpffs } from '../libbpf/kernel.js'
import type { TcpFlag } from '../tools/packet.js'
import { loadProgram, skip, startProgram } from '../tools/program.js'
import { serviceSpec } from '../tools/service-spec.js'

const many = {
  also: [
    { ports: { first: 8080, last: 8082 } },
    { vip: '10.0.0.2', ports: 80 },
    { vip: '10.0.0.2', protocol: 'udp' as const, ports: 53 },
  ],
}
const ack: TcpFlag[] = ['ACK']

t.test('a service of many addresses and ports', { skip }, async t => {
  const program = loadProgram(t)

  t.test('is one: the schedule goes round over all of them', async t => {
    program.apply(many)
    const got = [
      { destinationPort: 80 },
      { destinationPort: 8080 },
      { destinationPort: 8082 },
      { destination: '10.0.0.2', destinationPort: 80 },
      { destination: '10.0.0.2', destinationPort: 53, protocol: 'udp' as const },
      { destinationPort: 8081 },
    ].map(frame => program.run(frame).real)
    t.strictSame(got, [72, 71, 72, 71, 72, 71])
  })

  t.test('has no packets but its own', async t => {
    program.apply(many)
    const others = [
      { destinationPort: 8083 },
      { destinationPort: 53, protocol: 'udp' as const },
      { destination: '10.0.0.2', destinationPort: 8080 },
    ]
    for (const frame of others) t.equal(program.send(frame).verdict, 'pass_no_service')
  })

  t.test('stays the same one when its addresses and ports change', async t => {
    program.apply(many)
    program.run({ sourcePort: 1 })
    const { real } = program.run({ sourcePort: 1, flags: ack })
    const [{ id } = { id: 0 }] = program.services.running
    const { also } = many
    program.services.apply([{ ...serviceSpec({ also }), matches: serviceSpec({ also }).matches.slice(0, 2) }])
    t.equal(program.services.running[0]?.id, id)
    t.equal(program.run({ sourcePort: 1, flags: ack }).real, real)
    t.equal(program.send({ destination: '10.0.0.2' }).verdict, 'pass_not_vip')
    t.equal(program.send({ destinationPort: 8082 }).verdict, 'tx')
  })

  t.test('may give a port to another one', async t => {
    program.apply(many)
    program.apply({ port: 8080, reals: [73] }, { also: [{ ports: 8081 }] })
    t.equal(program.run({ destinationPort: 8080, sourcePort: 2 }).real, 73)
    t.not(program.run({ destinationPort: 8081, sourcePort: 2 }).real, 73)
    t.equal(new Set(program.services.running.map(({ id }) => id)).size, 2)
  })

  t.test('is found again by the next process, whichever of its ports that one names first', async t => {
    const pins = new PinDirectory(makeBpffs(t), 'test')
    const before = startProgram(pins, geometryFor(1024))
    before.apply({ port: 443 }, many)
    before.run({})
    const { real } = before.run({ flags: ack })
    const ids = before.services.running.map(({ id }) => id)
    before.close()

    const after = startProgram(pins, geometryFor(1024))
    t.teardown(() => after.close())
    after.services.apply([
      serviceSpec({ port: 8082, also: [{ ports: 8083 }, { ports: 80 }] }),
      serviceSpec({ port: 443 }),
    ])
    t.strictSame(
      after.services.running.map(({ id }) => id),
      ids.toReversed(),
    )
    t.equal(after.run({ flags: ack }).real, undefined, 'its reals have other ports now')
    after.services.apply([
      { ...serviceSpec({ port: 8082, also: [{ ports: 80 }] }), reals: serviceSpec().reals },
      serviceSpec({ port: 443 }),
    ])
    t.equal(after.run({ flags: ack }).real, real)
  })
})
