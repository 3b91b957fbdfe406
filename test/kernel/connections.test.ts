import t from 'tap'
import type { Connection, ConnectionFilter } from '../../lib/connection.js'
import { ConnectionList } from '../../lib/dataplane/connection-list.js'
import { geometryFor } from '../../lib/dataplane/geometry.js'
import { parseNetwork } from '../../lib/network.js'
import { loadProgram, type ProgramUnderTest, skip } from '../tools/program.js'

function slices(program: ProgramUnderTest, filter: ConnectionFilter = {}): AsyncGenerator<Connection[]> {
  const { tables, services } = program
  return new ConnectionList(tables, services.running, filter, () => program.now).slices()
}

async function list(program: ProgramUnderTest, filter: ConnectionFilter = {}): Promise<Connection[]> {
  const found: Connection[] = []
  for await (const slice of slices(program, filter)) found.push(...slice)
  return found
}

const clientsOf = (connections: readonly Connection[]) => connections.map(({ client }) => client).sort()

t.test('the list of connections', { skip }, async t => {
  const program = loadProgram(t, {
    geometry: geometryFor(16_384),
    services: [
      { reals: [71] },
      { protocol: 'udp', port: 0, persistence: { seconds: 300, granularity: '255.255.255.0' }, reals: [72] },
      { vip: '2001:db8::1', port: 443, protocol: 'sctp', reals: [73] },
    ],
  })
  t.beforeEach(() => program.clear())

  t.test('has flows of every family and protocol, and templates, in the words of IPVS', async t => {
    program.run({ sourcePort: 1 })
    program.run({ sourcePort: 2 })
    program.run({ sourcePort: 2, flags: ['ACK'] })
    program.run({ protocol: 'udp', sourcePort: 3, destinationPort: 5353 })
    program.run({ source: '2001:db8::100', destinationPort: 443, protocol: 'sctp', sourcePort: 4 })
    program.wait(5)
    const [half, ...others] = await list(program, { state: 'SYN_RECV' })
    t.strictSame(
      [half && { ...half, expiresSeconds: Math.ceil(half.expiresSeconds / 5) * 5 }, ...others],
      [
        {
          kind: 'flow',
          protocol: 'tcp',
          state: 'SYN_RECV',
          expiresSeconds: 55,
          client: '10.0.0.100:1',
          virtual: '10.0.0.1:80',
          real: '10.0.0.71:80',
          service: '10.0.0.1:80/tcp',
        },
      ],
    )
    t.match(await list(program, { state: 'ESTABLISHED' }), [{ client: '10.0.0.100:2' }])
    t.match(await list(program, { state: 'UDP' }), [
      { virtual: '10.0.0.1:5353', real: '10.0.0.72:5353', service: '10.0.0.1:0/udp' },
    ])
    t.match(await list(program, { state: 'NONE' }), [
      { kind: 'template', protocol: 'udp', client: '10.0.0.0:0', virtual: '10.0.0.1:0', real: '10.0.0.72:0' },
    ])
    t.match(await list(program), { length: 4 }, 'INIT of SCTP has run out after 4 s')
  })

  t.test('can be asked for clients, services, reals', async t => {
    for (const source of ['10.0.0.100', '10.0.1.100', '10.1.0.100']) program.run({ source, sourcePort: 9 })
    program.run({ protocol: 'udp', sourcePort: 9 })
    const client = parseNetwork('10.0.0.0/23')
    t.strictSame(clientsOf(await list(program, { client, service: '10.0.0.1:80/tcp' })), [
      '10.0.0.100:9',
      '10.0.1.100:9',
    ])
    t.match(await list(program, { real: '10.0.0.71:80' }), { length: 3 })
    t.match(await list(program, { real: '10.0.0.72:0' }), { length: 2 }, 'the flow and its template')
    t.match(await list(program, { real: '10.0.0.72:80' }), { length: 1 }, 'the flow, as it is listed')
    t.match(await list(program, { service: '10.0.0.1:81/tcp' }), { length: 0 })
  })

  t.test('is not made for a state or a real server that cannot be', async t => {
    const code = 'USAGE'
    t.throws(() => slices(program, { state: 'ESTAB' }), {
      code,
      message: /ESTAB.*expected one of.*ESTABLISHED/,
    })
    t.throws(() => slices(program, { state: 'FREE' }), { code }, 'as one that is free is none')
    t.throws(() => slices(program, { real: '10.0.0.71' }), { code, message: /expected ADDRESS:PORT/ })
  })

  t.test('lets other work have its turn between slices', async t => {
    for (let sourcePort = 1; sourcePort <= 2000; sourcePort++) program.run({ sourcePort })
    let turns = 0
    let isOver = false
    const count = () => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const found = await list(program)
    isOver = true
    t.equal(new Set(clientsOf(found)).size, 2000)
    t.ok(turns >= program.tables.flows.length / 4096, 'once a slice at least')
  })
})
