import t, { type Test } from 'tap'
import { Lab } from '../../cli/demo/lab/lab.js'
import type { Scheduler } from '../../lib/dataplane/spec.js'
import type { Frame, TcpFlag } from '../tools/packet.js'
import { loadProgram, skip } from '../tools/program.js'
import type { RealWish, ServiceWish } from '../tools/service-spec.js'
import { BothDirectors } from './both-directors.js'
import { IpvsDirector } from './ipvs-director.js'

/** All that IPVS of Linux 6.1 has; `twos`, which is newer and casts dice, is proved by itself. */
const schedulers: readonly Scheduler[] = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'sed',
  'nq',
  'fo',
  'ovf',
  'sh',
  'mh',
  'dh',
  'lblc',
  'lblcr',
]

/** SYNs of so many new connections, each of another client. */
function syns(count: number, from: number, frame: Frame = {}): Frame[] {
  return Array.from({ length: count }, (_, index) => {
    const client = from + index
    return { source: `198.51.${client >> 8}.${client & 255}`, sourcePort: 2000 + 7 * client, ...frame }
  })
}

/** More packets of the same connections. */
function go(frames: readonly Frame[], ...flags: TcpFlag[]): Frame[] {
  return frames.map(frame => ({ ...frame, flags }))
}

function weighed(...weights: readonly number[]): RealWish[] {
  return weights.map((weight, index) => ({ last: 71 + index, weight }))
}

t.test('beside real IPVS', { skip }, async t => {
  const lab = await Lab.open()
  t.teardown(() => lab.close())
  const ipvs = await IpvsDirector.start(lab)
  t.teardown(() => ipvs.close())
  const both = new BothDirectors(ipvs, loadProgram(t, { services: [] }))

  /** A day of a service: connections come and go, weights change, real servers leave and come back. */
  async function liveThrough(t: Test, wish: ServiceWish, weights: readonly number[]): Promise<void> {
    const [first = 0, second = 0, ...others] = weights
    const apply = (reals: readonly RealWish[]) => both.apply({ ...wish, reals })
    const early = syns(24, 1)
    await both.begin({ ...wish, reals: weighed(...weights) })
    await both.send(t, early, 'to begin with')
    await both.send(t, go(early.slice(0, 12), 'ACK'), 'when some are established')
    await both.send(t, go(early.slice(0, 5), 'ACK', 'FIN'), 'when some end')
    await both.send(t, go(early.slice(9, 12), 'RST'), 'when some break off')
    await both.send(t, syns(16, 101), 'after that')
    await apply(weighed(first + 2, second, ...others))
    await both.send(t, syns(11, 201), 'with a weight changed')
    await apply(weighed(first + 2, second, ...others).filter(({ last }) => last !== 72))
    await both.send(t, syns(13, 301), 'with one gone')
    await apply(weighed(first + 2, second, ...others, 3))
    await both.send(t, syns(14, 401), 'with that one back, and a new one')
    await apply(weighed(first + 2, second, ...others, 0))
    await both.send(t, syns(10, 501), 'with the new one without weight')
    await apply(weighed(0, 0, ...others.map(() => 0), 0))
    await both.send(t, syns(3, 601), 'with no weight at all')
    await apply(weighed(...weights))
    await both.send(t, syns(12, 701), 'with all as it was')
    await both.compareConnections(t)
  }

  for (const scheduler of schedulers) {
    t.test(`${scheduler} picks the same with equal weights`, t => liveThrough(t, { scheduler }, [1, 1, 1]))
    t.test(`${scheduler} picks the same with others`, t => liveThrough(t, { scheduler }, [6, 2, 4, 0]))
  }
  for (const scheduler of ['sh', 'mh'] as const) {
    const flags = { port: true, fallback: true }
    t.test(`${scheduler} with ports and fallback picks the same`, t =>
      liveThrough(t, { scheduler, flags }, [5, 3, 9]),
    )
  }
})
