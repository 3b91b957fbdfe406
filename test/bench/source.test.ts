import t from 'tap'
import { built } from '../../cli/demo/lab/built.js'
import { Capture } from '../../cli/demo/lab/capture.js'
import { PassPrograms } from '../../cli/demo/lab/pass.js'
import { parseAddress } from '../../lib/address.js'
import { Bed, type Cable } from '../../lib/bench/bed.js'
import { buildFrame, type FrameSpec } from '../../lib/bench/frame.js'
import { Source } from '../../lib/bench/source.js'
import type { Pattern } from '../../lib/bench/walk.js'
import { BpfObject } from '../../lib/libbpf/index.js'
import { checksum } from '../../lib/vrrp/checksum.js'
import { skip } from '../tools/program.js'

const HOSTS = 0x0000_ffff

function patternOver({ near, far }: Cable, spec: Partial<FrameSpec> = {}): Pattern {
  const frame = buildFrame({
    to: far.mac,
    from: near.mac,
    source: parseAddress('198.18.0.0'),
    destination: parseAddress('198.19.0.8'),
    port: 80,
    protocol: 'tcp',
    flag: 'ack',
    ...spec,
  })
  return { frame, hosts: HOSTS, destinations: 4 }
}

const overIpv6 = {
  source: parseAddress('2001:db8:1::'),
  destination: parseAddress('2001:db8::8'),
} satisfies Partial<FrameSpec>

t.test('the source of packets', { skip }, async t => {
  const bed = new Bed()
  const source = Source.load()
  t.teardown(() => {
    source.close()
    bed.close()
  })
  const cable = bed.cable('cable')
  const { near, far } = cable
  const sinks = bed.enter(() => [near, far].map(({ ifindex }) => source.sink.attachXdp(ifindex)))
  t.teardown(() => {
    for (const sink of sinks) sink.close()
  })

  await t.test('sends so many, and the sink counts each by the station that it was sent to', async t => {
    const last = Number.parseInt(far.mac.slice(-2), 16)
    for (const spec of [{}, overIpv6]) {
      const before = source.arrived()
      const options = { packets: 5000, ifindex: near.ifindex }
      bed.enter(() => source.send(patternOver(cable, spec), { order: 'counting' }, options))
      const arrived = source.arrived().map((total, station) => total - (before[station] ?? 0))
      t.equal(arrived[last], 5000)
      t.equal(
        arrived.reduce((sum, count) => sum + count, 0),
        5000,
      )
    }
  })

  await t.test('gives them to a program as the driver of an interface does', async t => {
    using swapper = BpfObject.open(built('bpf/lab.bpf.o')).withXdpFrags().load()
    const last = Number.parseInt(near.mac.slice(-2), 16)
    const total = () => source.arrived()[last] ?? 0
    const before = total()
    const options = { packets: 5000, ifindex: far.ifindex }
    const swap = swapper.program('floor_swap')
    bed.enter(() => source.deliver(swap, patternOver(cable), { order: 'counting' }, options))
    t.equal(total() - before, 5000, 'and they leave by that interface')
  })

  await t.test('passes on what it did not make', async t => {
    const before = source.arrived()
    const strange = patternOver(cable)
    strange.frame.write('else', strange.frame.length - 4)
    bed.enter(() => source.send(strange, { order: 'counting' }, { packets: 100, ifindex: near.ifindex }))
    t.strictSame(source.arrived(), before)
  })

  for (const [what, spec, addresses] of [
    ['IPv4', {}, { length: 4, source: 26, destination: 30 }],
    ['IPv6', overIpv6, { length: 16, source: 22, destination: 38 }],
  ] as const) {
    await t.test(`makes a flow of each number, over ${what}`, async t => {
      const way = bed.cable(`way${addresses.length}`)
      using pass = new PassPrograms()
      bed.enter(() => pass.attach(way.far.ifindex))
      using capture = bed.enter(() => new Capture(way.far.ifindex))
      const pattern = patternOver(way, spec)
      bed.enter(() =>
        source.send(pattern, { order: 'random', flows: 1024 }, { packets: 2048, ifindex: way.near.ifindex }),
      )
      const frames = capture.frames.map(({ bytes }) => bytes).filter(isOurs)
      t.equal(frames.length, 2048)
      const part = (at: number) => (frame: Buffer) => frame.toString('hex', at, at + addresses.length)
      const ports = 22 + 2 * addresses.length + (addresses.length === 4 ? 4 : 0)
      const flowOf = (frame: Buffer) => part(addresses.source)(frame) + frame.readUInt16BE(ports)
      t.equal(new Set(frames.map(flowOf)).size, 1024, 'each of the flows')
      t.ok(
        frames.every(frame => frame.readUInt16BE(ports) !== 0),
        'and no port is 0',
      )
      t.strictSame(frames.slice(0, 1024).map(flowOf), frames.slice(1024).map(flowOf), 'again and again')
      t.equal(new Set(frames.map(part(addresses.destination))).size, 4)
      const prefix = pattern.frame.toString('hex', addresses.source, addresses.source + addresses.length - 2)
      t.ok(frames.every(frame => part(addresses.source)(frame).startsWith(prefix)))
      t.ok(frames.every(frame => frame.readUInt16BE(ports + 2) === 80))
      if (what === 'IPv4') t.ok(frames.every(frame => checksum(frame.subarray(14, 34)) === 0))
    })
  }
})

function isOurs(frame: Buffer): boolean {
  return frame.toString('latin1', frame.length - 4) === 'xdpb'
}
