import t from 'tap'
import type { FlowState } from '../../lib/dataplane/layout.gen.js'
import { defaultRules } from '../../lib/dataplane/rules.js'
import { buildFrame, type Frame } from '../tools/packet.js'
import { forwarded, loadProgram, skip } from '../tools/program.js'

/** RFC 9260 §3.2 */
const chunks = {
  data: 0,
  init: 1,
  initAck: 2,
  sack: 3,
  heartbeat: 4,
  abort: 6,
  shutdown: 7,
  shutdownAck: 8,
  error: 9,
  cookieEcho: 10,
  cookieAck: 11,
  shutdownComplete: 14,
} as const

type Chunk = keyof typeof chunks

const packet = (chunk: Chunk): Frame => ({
  protocol: 'sctp',
  destinationPort: 99,
  chunk: chunks[chunk],
  payload: 8,
})

t.test('SCTP', { skip }, async t => {
  const program = loadProgram(t, { services: [{ protocol: 'sctp', port: 99 }] })
  const stateAfter = (...sent: readonly Chunk[]) => {
    program.clear()
    for (const chunk of sent) program.run(packet(chunk))
    return program.flow()?.state
  }

  t.test('an association is balanced byte for byte', async t => {
    const { verdict, real, data } = program.send(packet('init'))
    t.equal(verdict, 'tx')
    t.strictSame(data, forwarded(packet('init'), real ?? 0))
    t.equal(program.run(packet('cookieEcho')).real, real)
  })

  t.test('only an INIT begins one, unless sloppy_sctp is set', async t => {
    program.clear()
    for (const chunk of ['data', 'cookieEcho', 'heartbeat', 'abort'] as const)
      t.equal(program.send(packet(chunk)).verdict, 'pass_no_flow', chunk)
    program.loaded.setRules({ ...defaultRules, sloppySctp: true })
    t.equal(stateAfter('data'), 'sctp_established')
    program.loaded.setRules(defaultRules)
  })

  // the input-only table of net/netfilter/ipvs/ip_vs_proto_sctp.c
  const ways: [FlowState, ...Chunk[]][] = [
    ['sctp_init1', 'init'],
    ['sctp_init1', 'init', 'data'],
    ['sctp_init', 'init', 'init'],
    ['sctp_cookie_echoed', 'init', 'initAck'],
    ['sctp_established', 'init', 'initAck', 'cookieAck'],
    ['sctp_established', 'init', 'cookieEcho'],
    ['sctp_established', 'init', 'cookieEcho', 'data', 'sack', 'heartbeat', 'error', 'init'],
    ['sctp_closed', 'init', 'abort'],
    ['sctp_closed', 'init', 'cookieEcho', 'abort'],
    ['sctp_shutdown_received', 'init', 'cookieEcho', 'shutdown'],
    ['sctp_closed', 'init', 'cookieEcho', 'shutdown', 'shutdownComplete'],
    ['sctp_closed', 'init', 'cookieEcho', 'shutdownAck'],
  ]
  for (const [state, ...sent] of ways) {
    t.test(`is in ${state} after ${sent.join(', ')}`, async t => {
      t.equal(stateAfter(...sent), state)
    })
  }

  t.test('counts as active when it is established', async t => {
    stateAfter('init', 'cookieEcho')
    const id = program.flow()?.real ?? 0
    t.strictSame(program.tables.loads.connections(id), { active: 1, inactive: 0 })
    program.run(packet('shutdown'))
    t.strictSame(program.tables.loads.connections(id), { active: 0, inactive: 1 })
  })

  t.test('is passed untouched when it is cut off before its first chunk', async t => {
    program.clear()
    const whole = buildFrame({ ...packet('init'), payload: 0 })
    for (let length = 34; length < whole.length; length++) {
      const frame = whole.subarray(0, length)
      const { verdict, data } = program.send(frame)
      if (verdict !== 'pass_malformed' || !data.equals(frame)) t.fail(`${verdict} at ${length} bytes`)
    }
    t.pass('at every length')
  })
})
