import t from 'tap'
import { defaultRules, type Rules } from '../../lib/dataplane/rules.js'
import type { Frame } from '../tools/packet.js'
import { loadProgram, skip } from '../tools/program.js'

const ack: Frame = { flags: ['ACK'] }
const fin: Frame = { flags: ['FIN', 'ACK'] }

t.test("IPVS's rules", { skip }, async t => {
  const program = loadProgram(t)
  const rule = (rules: Partial<Rules>) => program.loaded.setRules({ ...defaultRules, ...rules })
  t.beforeEach(() => {
    program.apply({})
    program.clear()
    rule({})
  })
  const other = (real: number | undefined) => (real === 71 ? 72 : 71)

  t.test(
    'expire_nodest_conn 0: the flows of a real server that has left are dropped until it is back',
    async t => {
      const real = program.run({}).real
      program.apply({ reals: [other(real)] })
      t.equal(program.send({}).verdict, 'drop_real_removed')
      t.equal(program.send(ack).verdict, 'drop_real_removed')
      program.apply({})
      t.equal(program.run(ack).real, real)
    },
  )

  t.test(
    'expire_nodest_conn 1: a new beginning goes to another one, the rest of the old one up the stack',
    async t => {
      rule({ expireNodestConn: true })
      const real = program.run({}).real
      program.run(ack)
      program.apply({ reals: [other(real)] })
      t.equal(program.send(ack).verdict, 'pass_no_flow')
      t.equal(program.run({}).real, other(real))
      t.equal(program.run(ack).real, other(real))
    },
  )

  t.test('expire_nodest_conn 1: a datagram goes to another one at once', async t => {
    rule({ expireNodestConn: true })
    const query: Frame = { protocol: 'udp', destinationPort: 53 }
    program.apply({ protocol: 'udp', port: 53 })
    program.run(query)
    const real = program.run(query).real
    program.apply({ protocol: 'udp', port: 53, reals: [other(real)] })
    t.equal(program.run(query).real, other(real))
  })

  t.test('expire_nodest_conn 1: a SYN leaves a real server that drains, what is open stays', async t => {
    rule({ expireNodestConn: true })
    const real = program.run({}).real ?? 0
    program.run(ack)
    program.apply({ reals: [{ last: real, weight: 0 }, other(real)] })
    t.equal(program.run(ack).real, real)
    t.equal(program.run({}).real, other(real))
  })

  t.test(
    'expire_quiescent_template says whether persistent clients leave a real server that drains',
    async t => {
      for (const expireQuiescentTemplate of [false, true]) {
        program.clear()
        rule({ expireQuiescentTemplate })
        program.apply({ persistence: { seconds: 60 } })
        const real = program.run({}).real ?? 0
        program.apply({ persistence: { seconds: 60 }, reals: [{ last: real, weight: 0 }, other(real)] })
        const expected = expireQuiescentTemplate ? other(real) : real
        t.equal(program.run({ sourcePort: 2 }).real, expected, `${expireQuiescentTemplate}`)
      }
    },
  )

  t.test('conn_reuse_mode says after which states a SYN is scheduled anew', async t => {
    const again = (connReuseMode: number, ...frames: Frame[]) => {
      program.clear()
      rule({ connReuseMode })
      const first = program.run({}).real
      for (const frame of frames) program.run(frame)
      return program.run({}).real !== first
    }
    const reset: Frame = { flags: ['RST'] }
    t.strictSame(
      [0, 1, 2].map(mode => again(mode, ack, reset)),
      [false, true, true],
      'CLOSE',
    )
    t.strictSame(
      [0, 1, 2].map(mode => again(mode, fin)),
      [false, true, true],
      'TIME_WAIT',
    )
    t.strictSame(
      [0, 1, 2].map(mode => again(mode, ack, fin)),
      [false, false, true],
      'FIN_WAIT',
    )
    t.strictSame(
      [0, 1, 2].map(mode => again(mode, ack)),
      [false, false, false],
      'ESTABLISHED',
    )
  })

  t.test('sloppy_tcp lets any segment but a RST begin a flow', async t => {
    rule({ sloppyTcp: true })
    t.equal(program.send(ack).verdict, 'tx')
    t.equal(program.flow()?.state, 'established')
    program.clear()
    t.equal(program.send(fin).verdict, 'tx')
    t.equal(program.flow()?.state, 'close')
    program.clear()
    t.equal(program.send({ flags: ['RST'] }).verdict, 'pass_no_flow')
  })

  t.test('backup_only says whether a node that is not master passes packets up', async t => {
    for (const { vip } of program.services.running[0]?.spec.matches ?? [])
      program.services.setRole(vip, 'backup')
    t.equal(program.send({}).verdict, 'pass_backup')
    rule({ backupOnly: false })
    t.equal(program.send({}).verdict, 'tx')
  })
})
