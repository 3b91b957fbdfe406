import t, { type Test } from 'tap'
import { Tracer } from '../../lib/dataplane/tracer.js'
import type { TraceLine, TraceOptions } from '../../lib/decision.js'
import { parseNetwork } from '../../lib/network.js'
import { errorFrame } from '../tools/icmp.js'
import { type Frame, frameBytes } from '../tools/packet.js'
import { loadProgram, type ProgramUnderTest, skip } from '../tools/program.js'

function tracerOf(program: ProgramUnderTest): Tracer {
  const { loaded, tables, services } = program
  return new Tracer(loaded, {
    tables,
    services: () => services.running,
    lost: () => program.events().trace_lost,
  })
}

/** What a trace tells of these frames. */
async function told(
  program: ProgramUnderTest,
  options: TraceOptions,
  frames: readonly Frame[],
): Promise<TraceLine[]> {
  const trace = tracerOf(program).trace(options)
  const next = trace.next()
  for (const frame of frames) program.run(frame)
  const { value = [] } = await next
  await trace.return(undefined)
  return value
}

function isOff(t: Test, program: ProgramUnderTest): void {
  t.equal(program.tables.settings.read(0).tracedUntil, 0, 'it is off again')
}

t.test('a trace', { skip }, async t => {
  const program = loadProgram(t, {
    services: [
      { persistence: { seconds: 300 }, reals: [71] },
      { protocol: 'udp', port: 53, reals: [72] },
      { vip: '2001:db8::1', port: 443, reals: [73] },
    ],
  })
  t.beforeEach(() => program.clear())

  const begins: Frame = { sourcePort: 1 }
  const goesOn: Frame = { sourcePort: 1, flags: ['ACK'] }
  const again: Frame = { sourcePort: 2 }
  const query: Frame = { protocol: 'udp', sourcePort: 3, destinationPort: 53 }
  const sixth: Frame = { source: '2001:db8::100', sourcePort: 4, destinationPort: 443 }
  const unknown: Frame = { sourcePort: 5, destinationPort: 81 }
  const stranger: Frame = { destination: '10.0.0.9' }
  const first: Frame = { ...goesOn, fragment: 0x2000, id: 7, payload: 8 }
  const second: Frame = { ...goesOn, fragment: 3, id: 7, body: new Uint8Array(8) }
  const error = errorFrame({ about: begins, type: 3 })
  const all = [begins, goesOn, again, query, sixth, unknown, stranger]
  const related = [first, second, error]

  await t.test('tells of every packet what was decided, and why', async t => {
    const common = {
      protocol: 'tcp',
      verdict: 'tx',
      real: '10.0.0.71:80',
      service: '10.0.0.1:80/tcp',
      length: 40,
    }
    const lines = await told(program, {}, [...all, ...related])
    t.match(lines, [
      { ...common, client: '10.0.0.100:1', virtual: '10.0.0.1:80', signal: 'begin', reason: 'scheduler' },
      { ...common, client: '10.0.0.100:1', signal: 'data', reason: 'flow', phrase: /^sent to a real server/ },
      { ...common, client: '10.0.0.100:2', signal: 'begin', reason: 'template' },
      { client: '10.0.0.100:3', protocol: 'udp', real: '10.0.0.72:53', reason: 'scheduler' },
      { client: '[2001:db8::100]:4', virtual: '[2001:db8::1]:443', real: '[2001:db8::49]:443' },
      { virtual: '10.0.0.1:81', verdict: 'pass_no_service' },
      { verdict: 'pass_not_vip' },
      { client: '10.0.0.100:1', virtual: '10.0.0.1:80', real: '10.0.0.71:80', reason: 'flow' },
      { client: '10.0.0.100:0', virtual: '10.0.0.1:0', real: '10.0.0.71:80', verdict: 'tx' },
      { client: '10.0.0.100:1', virtual: '10.0.0.1:80', real: '10.0.0.71:80', signal: 'error' },
    ])
    t.equal(lines.length, all.length + related.length)
    const [line] = lines
    if (line && 'at' in line) t.ok(Math.abs(Date.now() - Date.parse(line.at)) < 60_000, line.at)
    isOff(t, program)
  })

  await t.test('does to packets what is done to them without', async t => {
    const untold = all.map(frame => program.run(frame))
    program.clear()
    const trace = tracerOf(program).trace({})
    const next = trace.next()
    t.strictSame(
      all.map(frame => program.run(frame)),
      untold,
    )
    const spent = program.send({ ...goesOn, ttl: 1 })
    t.match(spent.verdict, /^(tx_time_exceeded|drop_ttl)$/)
    const { value = [] } = await next
    t.match(value.at(-1), { verdict: spent.verdict, client: '10.0.0.100:1' }, 'also behind a tail call')
    await trace.return(undefined)
  })

  await t.test('tells only of what is wanted', async t => {
    const count = async (options: TraceOptions) => (await told(program, options, all)).length
    t.equal(await count({ client: parseNetwork('2001:db8::/32') }), 1)
    t.equal(await count({ client: parseNetwork('10.0.0.0/24') }), 6)
    t.equal(await count({ vip: parseNetwork('10.0.0.1') }), 5)
    t.equal(await count({ port: 80 }), 3)
    t.equal(await count({ protocol: 'udp' }), 1)
    t.equal(await count({ service: '10.0.0.1:80/tcp' }), 3)
    t.equal(await count({ verdicts: ['pass_no_service', 'pass_not_vip'] }), 2)
    t.equal(await count({ limit: 2 }), 2)
  })

  await t.test('counts what it had no room for', async t => {
    const trace = tracerOf(program).trace({})
    const next = trace.next()
    program.loaded.program.testRun({ data: frameBytes(stranger), repeat: 2500 })
    const { value = [] } = await next
    t.equal(value.length, 2001)
    t.strictSame(value.at(-1), { lost: 500 })
    await trace.return(undefined)
  })

  await t.test('ends when its time is over, and by itself when its listener has died', async t => {
    const lines: TraceLine[] = []
    for await (const some of tracerOf(program).trace({ durationMs: 60 })) lines.push(...some)
    t.strictSame(lines, [])
    isOff(t, program)
    program.tables.settings.update(0, { tracedUntil: program.now - 1 })
    program.run(stranger)
    isOff(t, program)
  })

  await t.test('is for one listener at a time, and refuses names that are none', async t => {
    const tracer = tracerOf(program)
    const trace = tracer.trace({})
    await trace.next()
    await t.rejects(tracer.trace({}).next(), { code: 'BUSY' })
    await trace.return(undefined)
    await tracer.trace({ limit: 0 }).next()
    await t.rejects(tracer.trace({ verdicts: ['tx', 'rx'] }).next(), { code: 'USAGE', message: 'verdict rx' })
    await t.rejects(tracer.trace({ service: 'x' }).next(), {
      code: 'USAGE',
      message: /one of 10\.0\.0\.1:80/,
    })
    isOff(t, program)
  })
})
