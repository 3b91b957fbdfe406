import t from 'tap'
import type { Frame, TcpFlag } from '../tools/packet.js'
import { loadProgram, type ProgramUnderTest, skip } from '../tools/program.js'
import { sweep } from '../tools/sweep.js'

const dns = { protocol: 'udp', port: 53 } as const
const query: Frame = { protocol: 'udp', destinationPort: 53 }

/** Sends segments of one flow, one after the other; gives the real that took the last one. */
function segments(program: ProgramUnderTest, frame: Frame, ...all: TcpFlag[][]): number | undefined {
  return all.map(flags => program.run({ ...frame, flags }).real).at(-1)
}

const syn: TcpFlag[] = ['SYN']
const ack: TcpFlag[] = ['ACK']
const fin: TcpFlag[] = ['FIN', 'ACK']
const rst: TcpFlag[] = ['RST', 'ACK']

t.test('flows', { skip }, async t => {
  const program = loadProgram(t)

  t.test('go through the states of TCP as IPVS has them where only the client is seen', async t => {
    program.apply({})
    const ways = {
      syn_recv: [syn],
      established: [syn, ack],
      fin_wait: [syn, ack, fin],
      time_wait: [syn, fin],
      close: [syn, ack, rst],
    } as const
    const events = { syn, fin, ack, rst, none: [] }
    /** ip_vs_proto_tcp.c, tcp_states_dont_use_output_dir; columns as in `ways`. */
    const next = {
      syn: ['syn_recv', 'established', 'syn_recv', 'syn_recv', 'syn_recv'],
      fin: ['time_wait', 'fin_wait', 'fin_wait', 'time_wait', 'close'],
      ack: ['established', 'established', 'fin_wait', 'time_wait', 'close'],
      rst: ['syn_recv', 'close', 'close', 'close', 'close'],
      none: ['close', 'close', 'close', 'close', 'close'],
    }
    for (const [event, flags] of Object.entries(events) as [keyof typeof events, TcpFlag[]][]) {
      for (const [column, [state, way]] of Object.entries(ways).entries()) {
        program.clear()
        segments(program, {}, ...way)
        t.equal(program.flow()?.state, state)
        segments(program, {}, flags)
        t.equal(program.flow()?.state, next[event][column], `${state}, ${event}`)
      }
    }
  })

  t.test('heed RST before SYN before FIN before ACK', async t => {
    program.clear()
    segments(program, {}, syn, ack, ['SYN', 'FIN', 'ACK'])
    t.equal(program.flow()?.state, 'established')
    segments(program, {}, ['FIN', 'ACK', 'PSH'])
    t.equal(program.flow()?.state, 'fin_wait')
    segments(program, {}, ['SYN', 'RST', 'FIN', 'ACK'])
    t.equal(program.flow()?.state, 'close')
  })

  t.test('of UDP are new until their second packet', async t => {
    program.apply(dns)
    program.clear()
    const { real } = program.run(query)
    t.equal(program.flow(query)?.state, 'udp_new')
    t.equal(program.run(query).real, real)
    t.equal(program.flow(query)?.state, 'udp')
    t.equal(program.run(query).real, real)
    t.equal(program.flow(query)?.state, 'udp')
  })

  t.test('end when nothing has come for the time of their state', async t => {
    const timeouts: [name: string, seconds: number, ...segments: TcpFlag[][]][] = [
      ['syn_recv', 60, syn],
      ['established', 900, syn, ack],
      ['fin_wait', 120, syn, ack, fin],
      ['time_wait', 120, syn, fin],
      ['close', 10, syn, ack, rst],
    ]
    program.apply({})
    for (const [state, seconds, ...way] of timeouts) {
      program.clear()
      const real = segments(program, {}, ...way)
      program.wait(seconds - 1)
      t.equal(program.run({ flags: ack }).real, real, `${state}: there after ${seconds - 1} s`)

      program.clear()
      segments(program, {}, ...way)
      program.wait(seconds)
      t.equal(program.send({ flags: ack }).verdict, 'pass_no_flow', `${state}: gone after ${seconds} s`)
      t.equal(program.flow(), undefined)
    }
  })

  t.test('of UDP end after five minutes: the next packet goes to the next real server', async t => {
    program.apply(dns)
    for (const packets of [1, 2]) {
      program.clear()
      for (let sent = 1; sent < packets; sent++) program.run(query)
      const { real } = program.run(query)
      program.wait(299)
      t.equal(program.run(query).real, real)
      program.wait(300)
      t.not(program.run(query).real, real)
      t.equal(program.flow(query)?.state, 'udp_new')
    }
  })

  t.test('live on for as long as packets come', async t => {
    program.apply({})
    program.clear()
    const real = segments(program, {}, syn, ack)
    for (let round = 0; round < 5; round++) {
      program.wait(890)
      t.equal(program.run({ flags: ack }).real, real)
    }
  })

  t.test('begin anew with a SYN after they have ended, and only then', async t => {
    program.apply({})
    const stays = [[syn], [syn, ack], [syn, ack, fin]]
    const begins = [
      [syn, fin],
      [syn, ack, rst],
    ]
    for (const way of stays) {
      program.clear()
      const real = segments(program, {}, ...way)
      t.equal(program.run({ flags: syn }).real, real)
      t.equal(program.flows().length, 1)
    }
    for (const way of begins) {
      program.clear()
      const real = segments(program, {}, ...way)
      t.equal(program.run({ flags: ['SYN', 'RST'] }).real, real, 'not with a SYN that resets')
      program.clear()
      const other = segments(program, {}, ...way)
      t.not(program.run({ flags: syn }).real, other)
      t.equal(program.flows().length, 1, 'the old one is gone')
      t.equal(program.flow()?.state, 'syn_recv')
    }
  })

  t.test('are known by address, port, VIP and protocol alone', async t => {
    program.apply({}, { vip: '10.0.0.2' }, { port: 81 }, { protocol: 'udp' })
    program.clear()
    const frames: Frame[] = [
      {},
      { source: '10.0.0.101' },
      { sourcePort: 40001 },
      { destination: '10.0.0.2' },
      { destinationPort: 81 },
      { protocol: 'udp' },
    ]
    for (const frame of frames) program.run(frame)
    t.equal(program.flows().length, frames.length)
    for (const frame of frames) program.run({ ...frame, vlans: [7], options: 1, payload: 10, ttl: 9, id: 1 })
    t.equal(program.flows().length, frames.length)
  })

  t.test('count once, their packets and bytes of IP each time', async t => {
    program.apply({ reals: [91] })
    program.clear()
    segments(program, { vlans: [5] }, syn, syn, ack)
    segments(program, { payload: 100 }, ack)
    t.strictSame(program.stats(91), { connections: 1, packets: 4, bytes: 3 * 40 + 140 })
    program.wait(900)
    segments(program, {}, ack)
    t.strictSame(program.stats(91), { connections: 1, packets: 4, bytes: 260 }, 'what is dropped is not')
    segments(program, {}, syn)
    t.strictSame(program.stats(91), { connections: 2, packets: 5, bytes: 300 })
  })

  t.test('are not forgotten when a packet came a moment after whoever looks has read the clock', async t => {
    program.apply({ reals: [92, 93] })
    program.clear()
    segments(program, {}, syn, ack)
    const { flows } = program.tables
    program.wait(-2)
    const index = Array.from({ length: flows.length }, (_, at) => at).find(at => flows.real(at) !== 0) ?? -1
    t.equal(flows.isExpired(index, program.now), false)
    sweep(program)
    t.ok(program.run({ flags: ack }).real, 'nor by the program')
  })

  t.test('are counted as ipvsadm does: active while they begin or are established', async t => {
    program.apply({ reals: [92] }, { ...dns, reals: [92] })
    program.clear()
    segments(program, { sourcePort: 1 }, syn)
    segments(program, { sourcePort: 2 }, syn, ack)
    segments(program, { sourcePort: 3 }, syn, ack, fin)
    segments(program, { sourcePort: 4 }, syn, fin)
    segments(program, { sourcePort: 5 }, syn, ack, rst)
    program.run(query)
    const { loads, flows } = program.tables
    t.equal(loads.total(), 6)
    t.strictSame(loads.connections(program.realId(92)), { active: 2, inactive: 3 })
    t.strictSame(loads.connections(program.realId(92, 1)), { active: 0, inactive: 1 })
    const { active, inactive } = flows.census()
    t.equal(active[program.realId(92)], 2, 'a walk over all flows finds as many')
    t.equal(inactive[program.realId(92)], 3)
    program.wait(130)
    sweep(program)
    t.equal(loads.total(), 2, 'without those that have expired')
    program.run({ sourcePort: 2, flags: fin })
    t.strictSame(loads.connections(program.realId(92)), { active: 0, inactive: 1 })
  })
})
