import t from 'tap'
import { geometryFor } from '../../lib/dataplane/geometry.js'
import type { FlowState } from '../../lib/dataplane/layout.gen.js'
import { Flood } from '../tools/flood.js'
import { buildFrame, type TcpFlag } from '../tools/packet.js'
import { loadProgram, skip } from '../tools/program.js'

const ESTABLISHED = 60_000
const STRANGERS = 15
const ROUNDS = 12

t.test('a flood of SYNs', { skip }, async t => {
  const program = loadProgram(t, { geometry: geometryFor(262_144), services: [{ reals: [71, 72, 73] }] })
  const flood = new Flood(program.loaded.program, buildFrame({ sourcePort: 1 }))
  t.teardown(() => flood.close())
  const frames = { syn: buildFrame({ flags: ['SYN'] }), ack: buildFrame({ flags: ['ACK'] }) }
  const clients = Array.from({ length: ESTABLISHED }, (_, index) => index)

  /** Sends a segment of one of the established flows; gives the real that takes it. */
  const send = (kind: 'syn' | 'ack', client: number) => {
    const frame = frames[kind]
    const number = Math.imul(client, 0x9e3779b1)
    frame.writeUInt16BE(number >>> 16, 26)
    frame.writeUInt16BE((number & 0xffff) | 2, 34)
    return program.run(frame).real
  }

  t.test('moves no established flow, with fifteen strangers to each packet of theirs', async t => {
    for (const client of clients) send('syn', client)
    const reals = clients.map(client => send('ack', client))
    t.notOk(reals.includes(undefined))
    program.wait(600)
    const before = program.events()
    const share = ESTABLISHED / ROUNDS
    const moved: number[] = []
    for (let first = 0; first < ESTABLISHED; first += share) {
      flood.send(share * STRANGERS)
      for (const client of clients.slice(first, first + share))
        if (send('ack', client) !== reals[client]) moved.push(client)
    }
    t.equal(moved.length, 0)
    const after = program.events()
    t.equal(after.flow_made - before.flow_made, ESTABLISHED * STRANGERS)
    t.equal(after.evicted_confirmed, 0)
    t.equal(after.evicted_closing, 0)
    t.ok(after.evicted_unconfirmed > 300_000, `${after.evicted_unconfirmed} of the strangers had to go`)
  })
})

t.test('a full table', { skip }, async t => {
  const program = loadProgram(t, { geometry: { ...geometryFor(1), flowBuckets: 2, templateBuckets: 2 } })
  const ways: Partial<Record<FlowState, TcpFlag[][]>> = {
    syn_recv: [['SYN']],
    established: [['SYN'], ['ACK']],
    fin_wait: [['SYN'], ['ACK'], ['FIN']],
    time_wait: [['SYN'], ['FIN']],
  }
  const begin = (sourcePort: number, state: FlowState) => {
    for (const flags of ways[state] ?? []) program.run({ sourcePort, flags })
  }
  const ports = () => program.flows().map(({ clientPort }) => clientPort)

  t.test(
    'gives up expired, then half-open, closing and other flows, of those the longest idle first',
    async t => {
      begin(6, 'established')
      program.wait(30)
      begin(7, 'established')
      program.wait(30)
      begin(1, 'syn_recv')
      program.wait(50)
      begin(2, 'syn_recv')
      begin(4, 'time_wait')
      program.wait(4)
      begin(3, 'syn_recv')
      begin(5, 'fin_wait')
      for (let port = 8; port <= 16; port++) begin(port, 'established')
      program.wait(6)
      t.equal(program.flows().length, 16, 'as many as there are slots, each in one')

      for (const victim of [1, 2, 3, 4, 5, 6, 7]) {
        const before = ports()
        begin(100 + victim, 'established')
        const after = ports()
        t.strictSame(
          before.filter(port => !after.includes(port)),
          [victim],
        )
      }
      const { evicted_unconfirmed, evicted_closing, evicted_confirmed } = program.events()
      t.strictSame([evicted_unconfirmed, evicted_closing, evicted_confirmed], [2, 2, 2])
    },
  )

  t.test('takes a new flow in all the same', async t => {
    program.clear()
    for (let port = 1; port <= 16; port++) begin(port, 'established')
    const { real } = program.run({ sourcePort: 100 })
    t.equal(program.run({ sourcePort: 100, flags: ['ACK'] }).real, real)
  })
})
