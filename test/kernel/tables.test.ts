import { unlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type Address, addressFromBytes, parseAddress } from '../../lib/address.js'
import { geometryFor } from '../../lib/dataplane/geometry.js'
import { mixKnown } from '../../lib/dataplane/hash.js'
import { flowState, layout, limit, word } from '../../lib/dataplane/layout.gen.js'
import { PinDirectory } from '../../lib/dataplane/pins.js'
import { SLICE } from '../../lib/dataplane/sweeper.js'
import { Program } from '../../lib/libbpf/index.js'
import { makeBpffs } from '../libbpf/kernel.js'
import type { Frame } from '../tools/packet.js'
import { loadProgram, type ProgramUnderTest, skip, startProgram } from '../tools/program.js'
import { serviceSpec } from '../tools/service-spec.js'
import { sweep } from '../tools/sweep.js'

/** Addresses of a few networks, in no order that means anything. */
function addresses(count: number): Address[] {
  const scattered = Array.from({ length: count }, (_, index) => Math.imul(index, 0x9e3779b1) >>> 0)
  return scattered.map((number, index) => {
    return parseAddress(`${[10, 192, 203][index % 3]}.0.${number >>> 24}.${(number >>> 16) & 255}`)
  })
}

/** Where an IPv4 address is looked for first. */
function homeOf(bytes: Uint8Array): number {
  const mapped = new DataView(new ArrayBuffer(8))
  for (const [at, byte] of [0, 0, 0xff, 0xff, ...bytes].entries()) mapped.setUint8(at, byte)
  return mixKnown(mapped.getBigUint64(0, true)) % limit.vips
}

t.test('what the tables say is what the program does', { skip }, async t => {
  const program = loadProgram(t, { services: [] })
  const lookAtClocks = () => ({ before: performance.now(), ticks: program.now, after: performance.now() })
  const start = lookAtClocks()

  t.test('it knows a virtual address exactly as long as it is in the table', async t => {
    const all = [...new Set(addresses(500))]
    const { vips } = program.tables
    const disagree = () =>
      all.filter(destination => {
        const isKnown = program.send({ destination }).verdict === 'pass_backup'
        return isKnown !== (vips.find(destination) !== undefined)
      })
    t.strictSame(disagree(), [], 'before any is')
    for (const [index, address] of all.entries()) if (index % 4) vips.add(address)
    t.strictSame(disagree(), [], 'when most of them are')
    for (const [index, address] of all.entries()) if (index % 4 > 1) vips.remove(vips.find(address) ?? -1)
    t.strictSame(disagree(), [], 'when many have left')
    for (const address of all) vips.add(address)
    t.strictSame(disagree(), [], 'when all are')
    for (const { id } of [...vips]) vips.remove(id)
    t.strictSame(disagree(), [], 'when none is any more')
  })

  t.test('it knows as many virtual addresses as there can be', async t => {
    const { vips } = program.tables
    const all = Array.from({ length: limit.vips / 4 }, (_, index) => `10.8.${index >> 8}.${index & 255}`)
    for (const address of all) vips.add(parseAddress(address))
    const before = program.verdicts()
    for (const destination of all) program.run({ destination })
    t.equal(program.verdicts().pass_backup - before.pass_backup, all.length)
    for (const { id } of [...vips]) vips.remove(id)
  })

  t.test(
    'it finds virtual addresses that all want the same slot, also behind ones that have left',
    async t => {
      const { vips } = program.tables
      const alike: Address[] = []
      for (let number = 0x0a000000; alike.length <= limit.probes; number++) {
        const bytes = Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number)
        if (homeOf(bytes) === 0) alike.push(addressFromBytes(bytes))
      }
      const last = alike.pop()
      for (const address of alike) vips.add(address)
      const known = () => alike.filter(destination => program.send({ destination }).verdict === 'pass_backup')
      t.strictSame(known(), alike)
      t.throws(() => vips.add(last ?? parseAddress('::')), { code: 'CONFIG' }, 'there are no more places')
      for (const address of alike.slice(0, -1)) vips.remove(vips.find(address) ?? -1)
      t.strictSame(known(), alike.slice(-1))
      for (const { id } of [...vips]) vips.remove(id)
    },
  )

  t.test('it finds the service of 2000 virtual servers', async t => {
    const wishes = [81, 82, 83].map((port, index) => ({ port, reals: [71 + index] }))
    program.apply(...wishes)
    const { vips, keys } = program.tables
    const vip = vips.find(parseAddress('10.0.0.1')) ?? -1
    const service = (index: number) => program.services.running[index % 3]?.id ?? -1
    const frame = (index: number): Frame => {
      return {
        destinationPort: 1000 + 7 * (index >> 1),
        protocol: index & 1 ? 'udp' : 'tcp',
        sourcePort: index,
      }
    }
    const all = Array.from({ length: 2000 }, (_, index) => index)
    for (const index of all) {
      const { destinationPort: port = 0 } = frame(index)
      keys.set({ vip, port, protocol: index & 1 ? 17 : 6 }, service(index))
    }
    t.strictSame(
      all.filter(index => program.run(frame(index)).real !== 71 + (index % 3)),
      [],
      'each is the right one',
    )
    const between = (index: number) => ({ ...frame(index), destinationPort: 1001 + 7 * (index >> 1) })
    t.strictSame(
      all.filter(index => program.run(between(index)).action !== 'PASS'),
      [],
      'and there are no others',
    )
  })

  t.test('it finds virtual servers that all want the same place', async t => {
    program.apply({ port: 81 })
    const vip = program.tables.vips.find(parseAddress('10.0.0.1')) ?? -1
    const service = program.services.running[0]?.id ?? -1
    const ports = Array.from({ length: 65_000 }, (_, index) => 100 + index)
    const bucket = (port: number) =>
      mixKnown((BigInt(vip) << 24n) | (BigInt(port) << 8n) | 6n) % limit.service_buckets
    const alike = ports.filter(port => bucket(port) === limit.service_buckets - 1).slice(0, 2 * limit.ways)
    for (const port of alike) program.tables.keys.set({ vip, port, protocol: 6 }, service)
    t.equal(alike.length, 16)
    t.strictSame(
      alike.filter(destinationPort => program.run({ destinationPort }).action !== 'TX'),
      [],
    )
  })

  t.test('it counts time in quarters of a second', async t => {
    await sleep(1000)
    const end = lookAtClocks()
    const ticks = end.ticks - start.ticks
    const [least, most] = [end.before - start.after, end.after - start.before].map(
      milliseconds => milliseconds / 250,
    )
    t.ok(ticks > (least ?? 0) - 1 && ticks < (most ?? 0) + 1, `${ticks} of them in ${most} quarters`)
  })
})

t.test('the sweeper', { skip }, async t => {
  const slots = 4 * SLICE * limit.ways
  const geometry = { ...geometryFor(1), flowBuckets: slots / limit.ways }
  const program = loadProgram(t, { geometry })
  const words = program.loaded.mapped('flow_words').u64
  const REAL = BigInt(word.real_shift)
  /** A word for a flow with that real, whose last packet came so many ticks ago. */
  const flowWord = (real: number, idle: number) =>
    (1n << BigInt(word.signature_shift)) |
    (BigInt(real) << REAL) |
    (BigInt((program.now - idle) & 0xffff) << BigInt(word.age_shift)) |
    BigInt(flowState.syn_recv)

  t.test('frees what has expired, wherever it is, and tells which real servers are named still', async t => {
    const places = [0, 1, slots / 4 - 1, slots / 4, (slots / 4) * 3, slots - 1]
    for (const [index, place] of places.entries()) words[place] = flowWord(11 + index, index % 2 ? 240 : 200)
    const named = sweep(program)
    t.strictSame(
      places.map(place => words[place] === BigInt(word.freed)),
      places.map((_, index) => index % 2 === 1),
    )
    t.strictSame(
      places.map((_, index) => named[11 + index]),
      places.map((_, index) => (index % 2 ? 0 : 1)),
    )
    t.equal(
      named.reduce((sum, one) => sum + one),
      3,
    )
  })

  t.test('walks in slices: four of them, a quarter of a second apart', async t => {
    words.fill(flowWord(30, 240))
    const left = () => words.reduce((count, one) => count + (one === BigInt(word.freed) ? 0 : 1), 0)
    const seen: number[] = []
    sweep(program, () => seen.push(left()), 250)
    t.strictSame(
      seen,
      [3, 2, 1, 0].map(quarters => quarters * SLICE * limit.ways),
    )
  })
})

t.test('the next start', { skip }, async t => {
  const geometry = geometryFor(1024, 1024, 1024)
  const ack: Frame = { flags: ['ACK'] }

  function newPins(t: Test): PinDirectory {
    return new PinDirectory(makeBpffs(t), 'test')
  }

  function start(t: Test, pins: PinDirectory, size = geometry): ProgramUnderTest {
    const program = startProgram(pins, size)
    t.teardown(() => program.close())
    return program
  }

  t.test('adopts what is pinned: flows, services, real servers, roles, counters', async t => {
    const pins = newPins(t)
    const before = start(t, pins)
    t.equal(before.loaded.adopted, false, 'the first one has nothing to adopt')
    t.equal(before.loaded.discarded, undefined)
    before.apply({})
    before.run({})
    const { real = 0 } = before.run(ack)
    const [running] = before.services.running
    const id = before.loaded.program.id
    before.close()

    const program = start(t, pins)
    t.equal(program.loaded.adopted, true)
    t.equal(program.loaded.discarded, undefined)
    t.not(program.loaded.program.id, id, 'with a program of its own')
    t.equal(program.run(ack).real, real, 'a flow goes on before anything is applied')
    program.services.apply([serviceSpec()])
    t.equal(program.run(ack).real, real, 'and after')
    t.not(program.run({ sourcePort: 2 }).real, real, 'the next one goes to the next real server')
    t.strictSame(program.services.running, [running], 'all ids are what they were')
    t.strictSame(program.stats(real), { connections: 1, packets: 4, bytes: 160 })

    program.apply({ reals: [143 - real] })
    t.equal(program.send(ack).verdict, 'drop_real_removed', 'what the configuration has not goes')
    program.apply({ port: 81 })
    t.equal(program.send({ sourcePort: 3 }).verdict, 'pass_no_service')
    program.apply({ vip: '10.0.0.2' })
    t.equal(program.send(ack).verdict, 'pass_not_vip')
    pins.removeAll()
    t.notOk(pins.exists())
    pins.removeAll()
  })

  t.test('stands in for the old program also while that one is still attached', async t => {
    const pins = newPins(t)
    const old = start(t, pins)
    old.apply({})
    const program = start(t, pins)
    using pinned = Program.openPinned(pins.of('prog'))
    t.equal(pinned.id, program.loaded.program.id)
    t.equal(old.send({ ttl: 1 }).verdict, 'tx_time_exceeded', 'the old one finds the slow steps of the new')
    t.equal(program.run(ack).real, old.run(ack).real, 'both have the same flows')
  })

  t.test('does not adopt what is of another layout, not all there, or something else', async t => {
    const pins = newPins(t)
    const replace = (name: string) => {
      unlinkSync(pins.of(name))
      return pins.of(name)
    }
    const { version } = layout
    const spoilt: [reason: string | RegExp, spoil: (program: ProgramUnderTest) => void][] = [
      [
        `layout version ${version + 1}, expected ${version}`,
        ({ tables }) => tables.settings.update(0, { layout: version + 1 }),
      ],
      [/slots: ENOENT/, () => replace('slots')],
      [/bss: ENOENT/, () => replace('%2ebss')],
      [/value size 32, expected 8/, ({ loaded }) => loaded.map('flows').pin(replace('slots'))],
      [/bpf-prog, expected bpf-map/, ({ loaded }) => loaded.program.pin(replace('slots'))],
    ]
    let program = start(t, pins)
    for (const [reason, spoil] of spoilt) {
      program.apply({})
      program.run({})
      spoil(program)
      program.close()
      program = start(t, pins)
      t.equal(program.loaded.adopted, false)
      t.match(program.loaded.discarded, reason)
      t.strictSame(program.flows(), [], 'and begins with nothing')
    }
    program.apply({})
    t.equal(program.send({}).verdict, 'tx')
  })
})
