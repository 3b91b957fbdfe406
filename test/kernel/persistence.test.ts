import t from 'tap'
import { geometryFor } from '../../lib/dataplane/geometry.js'
import { flow, template, templateState } from '../../lib/dataplane/layout.gen.js'
import type { Frame, TcpFlag } from '../tools/packet.js'
import { loadProgram, type ProgramUnderTest, skip } from '../tools/program.js'
import { sweep } from '../tools/sweep.js'

const persistence = { seconds: 300 }
const sticky = { persistence, reals: [71, 72, 73] }
const ack: TcpFlag[] = ['ACK']
const rst: TcpFlag[] = ['RST']

/** A SYN of a new flow, by its port; gives the real that took it. */
function begin(program: ProgramUnderTest, sourcePort: number, frame: Frame = {}): number | undefined {
  return program.run({ ...frame, sourcePort }).real
}

/** The flow is established, then reset, and the time has come in which it is forgotten. */
function end(program: ProgramUnderTest, sourcePort: number): void {
  program.run({ sourcePort, flags: ack })
  program.run({ sourcePort, flags: rst })
  program.wait(10)
  sweep(program)
}

/** In seconds, to the quarter; undefined if there is no template. */
function remaining(program: ProgramUnderTest): number | undefined {
  const [only] = program.templates()
  return only && Math.round((only.expires - program.now) / 4)
}

t.test('persistence', { skip }, async t => {
  const program = loadProgram(t)
  t.beforeEach(() => {
    program.apply(sticky)
    program.clear()
  })

  t.test('sends all flows of a client to one real server', async t => {
    const real = begin(program, 1)
    t.strictSame(
      Array.from({ length: 20 }, (_, index) => begin(program, 100 + index)),
      Array(20).fill(real),
    )
    t.equal(program.templates().length, 1)
  })

  t.test('leaves other clients to the scheduler', async t => {
    const clients = ['10.0.1.1', '10.0.1.2', '10.0.2.1', '10.1.1.1', '11.0.1.1', '10.0.1.3']
    const reals = clients.map(source => begin(program, 1, { source }))
    const start = (reals[0] ?? 0) - 71
    t.strictSame(
      reals,
      clients.map((_, turn) => 71 + ((start + 2 * turn) % 3)), // backwards: the list begins with who came last
    )
    t.strictSame(
      clients.map(source => begin(program, 2, { source })),
      reals,
    )
  })

  t.test('takes all clients of a network for one if granularity says so', async t => {
    program.apply({ ...sticky, persistence: { seconds: 300, granularity: '255.255.255.0' } })
    const real = begin(program, 1, { source: '10.0.1.1' })
    t.equal(begin(program, 1, { source: '10.0.1.254' }), real)
    t.equal(begin(program, 1, { source: '10.0.1.0' }), real)
    t.not(begin(program, 1, { source: '10.0.2.1' }), real)
    t.equal(program.templates().length, 2)
  })

  t.test('is of one service: the same client may be elsewhere in another one', async t => {
    program.apply(sticky, { ...sticky, port: 81 }, { port: 82, reals: [71, 72] })
    begin(program, 1)
    begin(program, 1, { destinationPort: 81 })
    t.equal(program.templates().length, 2)
    t.not(begin(program, 1, { destinationPort: 82 }), begin(program, 2, { destinationPort: 82 }))
    t.equal(program.templates().length, 2, 'a service without persistence has none')
  })

  t.test('begins its time anew with each new flow, not with packets', async t => {
    begin(program, 1)
    t.equal(remaining(program), 300)
    program.wait(50)
    program.run({ sourcePort: 1, flags: ack })
    t.equal(remaining(program), 250)
    begin(program, 2)
    t.equal(remaining(program), 300)
    begin(program, 2)
    t.equal(remaining(program), 300)
  })

  t.test('is over when its time is and no flow of its own is left', async t => {
    const real = begin(program, 1)
    end(program, 1)
    program.wait(287)
    t.equal(begin(program, 2), real, 'before')
    end(program, 2)
    program.wait(291)
    t.not(begin(program, 3), real, 'after')
    t.equal(program.templates().length, 1)
  })

  t.test('is freed by the sweeper when it is over', async t => {
    begin(program, 1)
    end(program, 1)
    t.equal(program.templates().length, 1)
    program.wait(280)
    sweep(program)
    t.equal(program.templates().length, 1)
    program.wait(11)
    sweep(program)
    t.equal(program.templates().length, 0)
  })

  t.test('lives on by 60 seconds again and again while a flow of its own does, for good', async t => {
    const real = begin(program, 1)
    program.run({ sourcePort: 1, flags: ack })
    program.wait(301)
    sweep(program)
    t.equal(remaining(program), 59)
    program.wait(61)
    sweep(program)
    t.equal(remaining(program), 58)
    t.equal(begin(program, 2), real)
    t.equal(remaining(program), 60, 'a new flow restarts no more than that')

    program.run({ sourcePort: 1, flags: rst })
    end(program, 2)
    t.equal(remaining(program), 50, 'it outlives its last flow')
    t.equal(begin(program, 3), real)
    end(program, 3)
    program.wait(51)
    sweep(program)
    t.equal(remaining(program), undefined, 'by so much')
  })

  t.test('makes up by itself for a sweeper that is late', async t => {
    const real = begin(program, 1)
    program.run({ sourcePort: 1, flags: ack })
    program.wait(400)
    t.equal(begin(program, 2), real)
    t.equal(remaining(program), 60)
  })

  t.test('counts the flows that it chose the real server for', async t => {
    const children = () => program.templates().map(({ children }) => children)
    for (const port of [1, 2, 3]) begin(program, port)
    begin(program, 3)
    t.strictSame(children(), [3], 'a SYN sent twice is one flow')
    program.wait(60)
    program.run({ sourcePort: 1, flags: ack })
    t.strictSame(children(), [2], 'without one that a packet found expired')
    sweep(program)
    t.strictSame(children(), [0], 'nor those that the sweeper did')
  })

  t.test('leaves a flow where it is when its client uses the port again', async t => {
    const real = begin(program, 1)
    program.run({ sourcePort: 1, flags: ['FIN', 'ACK'] })
    program.wait(20)
    t.equal(begin(program, 1), real)
    t.equal(program.flow({ sourcePort: 1 })?.state, 'syn_recv')
    t.equal(remaining(program), 280, 'it is no new flow: IPVS schedules none anew that a template has')
  })

  t.test('keeps its clients at a real server of weight 0', async t => {
    const real = begin(program, 1) ?? 0
    program.apply({ persistence, reals: [71, 72, 73].map(last => ({ last, weight: last === real ? 0 : 1 })) })
    t.equal(begin(program, 2), real)
    t.not(begin(program, 1, { source: '10.0.1.1' }), real)
  })

  t.test('ends with the real server: its clients are given to another, and stay there', async t => {
    const gone = begin(program, 1) ?? 0
    program.apply({ persistence, reals: [71, 72, 73].filter(last => last !== gone) })
    const real = begin(program, 2)
    t.not(real, gone)
    t.strictSame([begin(program, 3), begin(program, 4)], [real, real])
    program.apply(sticky)
    t.equal(begin(program, 5), real, 'also when it is back')
    t.equal(program.templates().length, 1)
  })

  t.test('is not brought back by a flow that is established after its end', async t => {
    begin(program, 1)
    program.apply({ persistence, reals: [] })
    t.equal(program.send({ sourcePort: 2 }).verdict, 'tx_no_real')
    t.strictSame(program.templates(), [])
    program.apply(sticky)
    program.run({ sourcePort: 1, flags: ack })
    t.equal(program.flow({ sourcePort: 1 })?.state, 'established')
    t.strictSame(program.templates(), [])
  })

  t.test('is assured when one of its flows is established', async t => {
    const states = () => program.templates().map(({ state }) => state)
    begin(program, 1)
    t.strictSame(states(), [templateState.new])
    program.run({ sourcePort: 1, flags: rst })
    t.strictSame(states(), [templateState.new])
    program.run({ sourcePort: 1, flags: ack })
    t.strictSame(states(), [templateState.assured])
    begin(program, 2)
    t.strictSame(states(), [templateState.assured])
  })

  t.test('takes no notice of flows of who had its slot before', async t => {
    const another = 1 << 24
    const wrongs = [
      () => 0,
      (ref: number) => ref - another,
      (ref: number) => ref + another,
      () => another | 0xffffff,
    ]
    for (const wrong of wrongs) {
      program.clear()
      begin(program, 1)
      const [before] = program.templates()
      const { index, templateRef } = program.flow({ sourcePort: 1 }) ?? { index: -1, templateRef: 0 }
      t.equal(templateRef, ((before?.generation ?? 0) << 24) | (before?.index ?? 0))
      program.rewrite('flows', flow, index, { templateRef: wrong(templateRef) })
      program.run({ sourcePort: 1, flags: ack })
      t.equal(program.templates()[0]?.state, templateState.new, 'none is assured')
      program.run({ sourcePort: 1, flags: rst })
      program.wait(10)
      sweep(program)
      t.equal(program.flow({ sourcePort: 1 }), undefined)
      t.equal(program.templates()[0]?.children, 1, 'none is left')
    }
  })

  t.test('never has fewer flows than none', async t => {
    begin(program, 1)
    program.rewrite('templates', template, program.templates()[0]?.index ?? -1, { children: 0 })
    end(program, 1)
    t.equal(program.templates()[0]?.children, 0)
  })

  t.test('knows the flows of who has its slot by a generation that is never 0', async t => {
    begin(program, 1)
    const index = program.templates()[0]?.index ?? -1
    program.rewrite('templates', template, index, { generation: 255 })
    program.loaded.mapped('template_words').bytes.fill(0)
    begin(program, 2)
    t.strictSame(
      program.templates().map(({ index, generation }) => [index, generation]),
      [[index, 1]],
    )
  })
})

t.test('persistence in a table that is full', { skip }, async t => {
  const geometry = { ...geometryFor(1), flowBuckets: 2, templateBuckets: 2 }
  const program = loadProgram(t, { geometry, services: [sticky] })
  const clients = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ source: `10.1.${i >> 8}.${i & 255}` }))

  t.test('gives up clients that never got through first', async t => {
    program.clear()
    const real = begin(program, 1)
    program.run({ sourcePort: 1, flags: ack })
    for (const client of clients(1000)) begin(program, 1, client)
    t.equal(program.templates().length, 16)
    t.ok(program.templates().some(({ state }) => state === templateState.assured))
    t.equal(begin(program, 2), real)
    t.ok(program.events().template_evicted >= 980)
  })

  t.test('counts no flow that had to make room for another one', async t => {
    program.clear()
    for (let port = 1; port <= 100; port++) begin(program, port)
    t.strictSame(
      program.templates().map(({ children }) => children),
      [program.flows().length],
    )
  })

  t.test('gives up, of those who did, the one whose last flow is longest ago', async t => {
    program.clear()
    for (const client of clients(16)) {
      begin(program, 1, client)
      program.run({ ...client, sourcePort: 1, flags: ack })
    }
    const templates = program.templates()
    const oldest = templates[5]
    const words = program.loaded.mapped('template_words').u64
    words[oldest?.index ?? -1] = (words[oldest?.index ?? -1] ?? 0n) - 16n
    begin(program, 1, { source: '10.2.0.1' })
    const left = templates.filter(
      ({ index, generation }) =>
        !program.templates().some(now => now.index === index && now.generation === generation),
    )
    t.strictSame(left, [oldest])
  })
})
