import t from 'tap'
import { geometryFor } from '../../lib/dataplane/geometry.js'
import { Flood } from '../tools/flood.js'
import { buildFrame, type TcpFlag } from '../tools/packet.js'
import { loadProgram, skip } from '../tools/program.js'

const MOST = 131_072
/** Flows that begin at about the same time. */
const AT_A_TIME = 1024

t.test('tables that are as full as they are made for', { skip }, async t => {
  const geometry = geometryFor(MOST, MOST)
  const program = loadProgram(t, { geometry, services: [{}, { port: 443, persistence: { seconds: 300 } }] })
  const flood = (destinationPort: number, flags: TcpFlag[]) => {
    const flood = new Flood(program.loaded.program, buildFrame({ sourcePort: 1, destinationPort, flags }))
    t.teardown(() => flood.close())
    return flood
  }

  t.test('lose fewer than one flow in a thousand', async t => {
    const [syns, acks] = [flood(80, ['SYN']), flood(80, ['ACK'])]
    for (let first = 0; first < MOST; first += AT_A_TIME) {
      syns.send(AT_A_TIME, first)
      acks.send(AT_A_TIME, first)
    }
    const before = program.verdicts()
    acks.send(MOST, 0)
    const lost = program.verdicts().pass_no_flow - before.pass_no_flow
    const { evicted_confirmed, evicted_unconfirmed, flow_not_stored } = program.events()
    t.equal(lost, evicted_confirmed + evicted_unconfirmed + flow_not_stored)
    t.equal(program.tables.loads.total(), MOST - lost)
    t.ok(lost > 0 && lost < MOST / 1000, `${lost} of ${MOST.toLocaleString('en')}`)
  })

  t.test('lose fewer than one persistent client in a thousand', async t => {
    program.clear()
    flood(443, ['SYN']).send(MOST, 0)
    const { template_made, template_evicted } = program.events()
    t.equal(template_made + template_evicted, MOST)
    t.equal(program.tables.templates.count(), template_made)
    t.ok(template_evicted > 0 && template_evicted < MOST / 1000, `${template_evicted}`)
  })
})
