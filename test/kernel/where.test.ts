import t from 'tap'
import { parseAddress } from '../../lib/address.js'
import { locality, localityKey, mapLayouts } from '../../lib/dataplane/layout.gen.js'
import { Oracle } from '../../lib/dataplane/oracle.js'
import type { PacketFlag, PacketQuestion, Whereabouts } from '../../lib/decision.js'
import { parseEndpoint } from '../../lib/service.js'
import type { Frame } from '../tools/packet.js'
import { loadProgram, type ProgramUnderTest, skip } from '../tools/program.js'

function ask(
  program: ProgramUnderTest,
  source: string,
  destination: string,
  rest: Partial<PacketQuestion> = {},
) {
  const oracle = new Oracle(program.loaded, program.tables, () => program.services.running)
  return oracle.ask({ source: parseEndpoint(source), destination: parseEndpoint(destination), ...rest })
}

/** Everything in the maps that a program can write. */
function memory(program: ProgramUnderTest): Map<string, unknown> {
  const mapped = [...(['.bss', 'slots', 'flow_words', 'flows', 'template_words', 'templates'] as const)]
  const { key, value } = mapLayouts.stats
  const stats = [...program.loaded.map('stats').perCpu({ key, value })].filter(([, cpus]) =>
    cpus.some(({ packets, connections }) => packets + connections > 0n),
  )
  return new Map<string, unknown>([
    ...mapped.map((name): [string, unknown] => [
      name,
      Buffer.from(program.loaded.mapped(name).bytes).toString('base64'),
    ]),
    ['stats', stats],
    ['localities', [...program.loaded.map('localities').typed({ key: localityKey, value: locality })]],
    ['verdicts', program.verdicts()],
    ['events', program.events()],
  ])
}

const schedulers = [
  'wrr',
  'lc',
  'wlc',
  'sh',
  'mh',
  'dh',
  'fo',
  'ovf',
  'sed',
  'nq',
  'lblc',
  'lblcr',
  'twos',
] as const

const ack: PacketFlag[] = ['ACK']

t.test('where', { skip }, async t => {
  const program = loadProgram(t, {
    services: [
      { reals: [71, 72, 73] },
      { port: 81, persistence: { seconds: 300 }, reals: [71, 72, 73] },
      { port: 82, reals: [{ last: 71, weight: 0 }] },
      { protocol: 'udp', port: 53, reals: [74] },
      { vip: '2001:db8::1', port: 443, protocol: 'sctp', reals: [75] },
      { vip: '10.0.0.2', reals: [71] },
      ...schedulers.map((scheduler, at) => ({ port: 90 + at, scheduler, reals: [71, 72, 73] })),
    ],
  })
  program.services.setRole(parseAddress('10.0.0.2'), 'backup')
  t.beforeEach(() => program.clear())

  t.test('foretells what the program does, and by whose choice', async t => {
    const cases: [Frame, Partial<Whereabouts>][] = [
      [{ sourcePort: 1 }, { reason: 'scheduler', service: '10.0.0.1:80/tcp', scheduler: 'rr' }],
      [{ sourcePort: 1 }, { reason: 'flow', service: '10.0.0.1:80/tcp' }],
      [{ sourcePort: 1, flags: ack as ['ACK'] }, { reason: 'flow' }],
      [{ sourcePort: 2, destinationPort: 81 }, { reason: 'scheduler' }],
      [{ sourcePort: 3, destinationPort: 81 }, { reason: 'template' }],
    ]
    for (const [frame, expected] of cases) {
      const { sourcePort = 0, destinationPort = 80, flags = ['SYN'] } = frame
      const answer = ask(program, `10.0.0.100:${sourcePort}`, `10.0.0.1:${destinationPort}`, { flags })
      const { real } = program.run(frame)
      t.match(answer, { verdict: 'tx', real: `10.0.0.${real}:${destinationPort}`, ...expected })
      if (expected.reason !== 'template') continue
      const { persistsSeconds = 0 } = answer
      t.ok(persistsSeconds > 240 && persistsSeconds <= 300, `${persistsSeconds} of 300 seconds are left`)
    }
  })

  t.test('answers for every protocol and family', async t => {
    t.match(ask(program, '10.0.0.100:1', '10.0.0.1:53', { protocol: 'udp' }), { real: '10.0.0.74:53' })
    const sctp = ask(program, '[2001:db8::100]:1', '[2001:db8::1]:443', { protocol: 'sctp' })
    t.match(sctp, { real: '[2001:db8::4b]:443', service: '[2001:db8::1]:443/sctp' })
  })

  t.test('says why a packet goes to no real server', async t => {
    const none = (destination: string, rest: Partial<PacketQuestion>, verdict: string) => {
      const answer = ask(program, '10.0.0.100:9', destination, rest)
      t.match(answer, { verdict, phrase: /^(passed up|dropped): / })
      t.notOk(answer.real, verdict)
    }
    none('10.0.0.3:80', {}, 'pass_not_vip')
    none('10.0.0.2:80', {}, 'pass_backup')
    none('10.0.0.1:8080', {}, 'pass_no_service')
    none('10.0.0.1:80', { flags: ack }, 'pass_no_flow')
    none('10.0.0.1:82', {}, 'drop_no_real')
    t.match(ask(program, '10.0.0.100:9', '10.0.0.1:82'), { service: '10.0.0.1:82/tcp' })
  })

  t.test('changes nothing, whatever it is asked', async t => {
    program.run({ sourcePort: 1 })
    program.run({ sourcePort: 2, destinationPort: 81 })
    program.run({ sourcePort: 3 })
    program.run({ sourcePort: 3, flags: ['ACK'] })
    program.run({ sourcePort: 3, flags: ['FIN', 'ACK'] })
    program.wait(5)
    const before = memory(program)
    for (const flags of [['SYN'], ['ACK'], ['FIN', 'ACK'], ['RST']] satisfies PacketFlag[][]) {
      for (const port of [1, 2, 3, 4]) {
        for (const service of [80, 81, 82, 83, ...schedulers.map((_, at) => 90 + at)]) {
          ask(program, `10.0.0.100:${port}`, `10.0.0.1:${service}`, { flags })
          ask(program, `10.0.1.100:${port}`, `10.0.0.1:${service}`, { flags })
        }
      }
    }
    for (const [name, bytes] of memory(program)) t.strictSame(bytes, before.get(name), name)
  })

  t.test('refuses packets that there cannot be', async t => {
    t.throws(() => ask(program, '10.0.0.100:1', '[2001:db8::1]:443'), {
      code: 'USAGE',
      message: 'one family',
    })
    t.throws(() => ask(program, '10.0.0.100:1', '10.0.0.1:53', { protocol: 'udp', flags: ack }), {
      code: 'USAGE',
      message: 'udp: flag ACK, expected none',
    })
  })
})
