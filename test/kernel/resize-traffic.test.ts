import { setImmediate as others } from 'node:timers/promises'
import t from 'tap'
import { geometryFor } from '../../lib/dataplane/geometry.js'
import { moveFlows } from '../../lib/dataplane/move-flows.js'
import { PinDirectory } from '../../lib/dataplane/pins.js'
import { makeBpffs } from '../libbpf/kernel.js'
import { Flood } from '../tools/flood.js'
import { buildFrame, type TcpFlag } from '../tools/packet.js'
import { skip, startProgram } from '../tools/program.js'
import { SteadyFlood } from '../tools/steady-flood.js'

const FLOWS = 5000

/** With room enough that no flow loses its place by chance. */
const FEWER = geometryFor(2 * FLOWS)
const MORE = geometryFor(8 * FLOWS)

const syn: TcpFlag[] = ['SYN']
const ack: TcpFlag[] = ['ACK']

t.test('tables get another size under traffic of another CPU', { skip }, async t => {
  const pins = new PinDirectory(makeBpffs(t), 'test')
  const former = startProgram(pins, FEWER)
  const programs = [former]
  t.teardown(() => {
    for (const program of programs) program.close()
  })
  former.apply({ reals: [71, 72, 73] })
  let attached = former.loaded.program
  using syns = new Flood(attached, buildFrame({ sourcePort: 1, flags: syn }))
  using acks = new Flood(attached, buildFrame({ sourcePort: 1, flags: ack }))
  syns.send(FLOWS, 0)
  acks.send(FLOWS, 0)
  t.equal(former.flows().length, FLOWS)
  const real = new Map(former.flows().map(flow => [`${flow.client}`, flow.real]))
  const begun = former.verdicts()
  former.services.close()
  let count = FLOWS
  /** New flows, half of whose packets come while they are in the one table or the other. */
  const begin = () => {
    syns.send(50, count)
    acks.send(50, count)
    count += 50
  }

  for (const [what, geometry] of [
    ['grow', MORE],
    ['shrink', FEWER],
  ] as const) {
    await t.test(`no packet misses its flow when tables ${what}`, async t => {
      using known = new Flood(attached, buildFrame({ sourcePort: 1, flags: ack }))
      await using steady = new SteadyFlood(known, FLOWS)
      await steady.goOn(2)
      const next = startProgram(pins, geometry)
      programs.push(next)
      begin()
      const moving = moveFlows(next.loaded, pins)
      attached = next.loaded.program
      for (const flood of [known, syns, acks]) flood.aimAt(attached)
      for (let isOver = false; !isOver; isOver = await Promise.race([moving.then(() => true), others(false)]))
        begin()
      t.ok((await moving)?.moved)
      await steady.goOn(2)
      acks.send(count, 0)
      t.equal(next.verdicts().pass_no_flow, begun.pass_no_flow, `${count - FLOWS} have begun meanwhile`)
      t.equal(next.flows().length, count)
      t.equal(next.flows().filter(({ state }) => state === 'established').length, count)
      t.equal(
        next.flows().filter(flow => (real.get(`${flow.client}`) ?? flow.real) !== flow.real).length,
        0,
        'and all are where they were',
      )
      const { loads, flows, reals } = next.tables
      const census = flows.census()
      t.strictSame(
        [...reals.ids()].map(id => loads.connections(id)),
        [...reals.ids()].map(id => ({ active: census.active[id], inactive: census.inactive[id] })),
      )
    })
  }
})
