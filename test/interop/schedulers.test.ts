import t from 'tap'
import { Lab } from '../../cli/demo/lab/lab.js'
import type { Frame, TcpFlag } from '../tools/packet.js'
import { loadProgram, skip } from '../tools/program.js'
import { BothDirectors } from './both-directors.js'
import { IpvsDirector } from './ipvs-director.js'

/** SYNs of so many new connections. */
function syns(count: number, from = 1000, frame: Frame = {}): Frame[] {
  return Array.from({ length: count }, (_, index) => ({ sourcePort: from + index, ...frame }))
}

t.test('beside real IPVS', { skip }, async t => {
  const lab = await Lab.open()
  t.teardown(() => lab.close())
  const ipvs = await IpvsDirector.start(lab)
  t.teardown(() => ipvs.close())
  const both = new BothDirectors(ipvs, loadProgram(t, { services: [] }))

  t.test('rr gives connections in the same order', async t => {
    await both.begin({ reals: [71, 72, 73] })
    await both.send(t, syns(10), 'in turn')
    await both.apply({ reals: [71, 72, { last: 73, weight: 0 }, 74] })
    await both.send(t, syns(10, 2000), 'when one has no weight and one is new')
    await both.apply({ reals: [71, 73, 74] })
    await both.send(t, syns(10, 3000), 'when one has left, and one has its weight back')
    await both.compareTraffic(t)
  })

  t.test('connections of rr have the same states and times', async t => {
    await both.begin({ reals: [71, 72] })
    await both.send(t, syns(6), 'begun')
    await both.send(t, flags(5, 'ACK'), 'established')
    await both.send(t, flags(4, 'ACK', 'PSH'), 'used')
    await both.send(t, flags(3, 'ACK', 'FIN'), 'closing')
    await both.send(t, flags(2, 'RST'), 'broken off')
    await both.send(t, syns(1), 'begun again')
    await both.compareConnections(t)
    await both.compareTraffic(t)
  })

  t.test('persistence', async t => {
    const clients = ['10.1.0.1', '10.1.0.2', '10.1.1.1', '10.2.0.1', '10.1.0.1'].map(source => ({ source }))
    await both.begin({ reals: [71, 72, 73], persistence: { seconds: 360 } })
    await both.send(t, [...clients, ...syns(10)], 'each client keeps its real server')
    await both.send(t, [{ flags: ['ACK'], sourcePort: 1000 }], 'one confirms')
    await both.compareConnections(t)
    await both.begin({ reals: [71, 72, 73], persistence: { seconds: 360, granularity: '255.255.255.0' } })
    await both.send(t, [...clients, ...syns(10)], 'each network keeps its real server')
    await both.compareConnections(t)
    await both.compareTraffic(t)
  })
})

/** Packets of the first so many connections. */
function flags(count: number, ...flags: TcpFlag[]): Frame[] {
  return syns(count, 1000, { flags })
}
