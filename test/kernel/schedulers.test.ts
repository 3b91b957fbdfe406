import t from 'tap'
import { type Address, parseAddress } from '../../lib/address.js'
import type { Scheduler } from '../../lib/dataplane/spec.js'
import { loadProgram, type ProgramUnderTest, skip } from '../tools/program.js'
import { serviceSpec } from '../tools/service-spec.js'

// What real IPVS cannot be asked: how dice fall, and what a thousand real servers do. For all else, test/interop.

/** SYNs of so many clients; gives the reals that took them, in order. */
function begin(program: ProgramUnderTest, flows: number, from = 1000): (number | undefined)[] {
  return Array.from({ length: flows }, (_, index) => program.run({ sourcePort: from + index }).real)
}

function shareOf(reals: readonly (number | undefined)[], real: number): number {
  return reals.filter(one => one === real).length
}

t.test('schedulers', { skip }, async t => {
  const program = loadProgram(t)
  t.beforeEach(() => {
    program.apply()
    program.clear()
  })

  t.test('twos keeps real servers as busy as their weights say', async t => {
    program.apply({ scheduler: 'twos', reals: [71, 72, 73] })
    const equal = begin(program, 300)
    for (const real of [71, 72, 73])
      t.ok(Math.abs(shareOf(equal, real) - 100) < 25, `${shareOf(equal, real)} of 300`)
    program.apply({
      scheduler: 'twos',
      reals: [
        { last: 74, weight: 1 },
        { last: 75, weight: 3 },
      ],
    })
    const unequal = begin(program, 400, 5000)
    t.ok(
      Math.abs(shareOf(unequal, 75) - 300) < 40,
      `${shareOf(unequal, 75)} of 400 with three quarters of the weight`,
    )
  })

  t.test('twos gives nothing to who takes none', async t => {
    const full = { last: 72, upperThreshold: 1 }
    program.apply({ scheduler: 'twos', reals: [{ last: 71, weight: 0 }, full, 73] })
    const got = begin(program, 60)
    t.equal(shareOf(got, 71), 0)
    t.equal(shareOf(got, 72), 1)
    t.equal(shareOf(got, 73), 59)
    program.apply({ scheduler: 'twos', reals: [{ last: 71, weight: 0 }, full] })
    t.equal(program.send({ sourcePort: 9 }).verdict, 'tx_no_real')
  })

  const thousand = Array.from({ length: 1024 }, (_, index) =>
    parseAddress(`10.0.${index >> 8}.${index & 255}`),
  )
  const applyThousand = (scheduler: Scheduler, addresses: readonly Address[]) => {
    const [real] = serviceSpec().reals
    const reals = addresses.flatMap(address => (real ? [{ ...real, address }] : []))
    program.services.apply([{ ...serviceSpec({ scheduler }), reals }])
    program.services.setRole(parseAddress('10.0.0.1'), 'master')
  }
  const connections = () => {
    const [service] = program.services.running
    return (service?.reals ?? []).map(id => {
      const { active, inactive } = program.tables.loads.connections(id)
      return active + inactive
    })
  }

  for (const scheduler of ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq'] as const) {
    t.test(`${scheduler} shares out among 1,024 real servers`, async t => {
      applyThousand(scheduler, thousand)
      begin(program, 512)
      t.strictSame(
        connections(),
        [...Array(512).fill(0), ...Array(512).fill(1)],
        'one each, from the head of the list on',
      )
    })
  }

  t.test('mh-fallback finds the last real server that has room', async t => {
    const flags = { port: true, fallback: true }
    const reals = Array.from({ length: 20 }, (_, index) => ({ last: 71 + index, upperThreshold: 1 }))
    program.apply({ scheduler: 'mh', flags, reals })
    begin(program, 20)
    t.strictSame(connections(), Array(20).fill(1), 'each client goes on until it finds one with room')
    t.equal(program.send({ sourcePort: 9 }).verdict, 'tx_no_real')
  })
})
