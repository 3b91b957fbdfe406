import t from 'tap'
import type { Family } from '../../lib/address.js'
import { effort } from '../tools/effort.js'
import { buildAnswer, errorFrame } from '../tools/icmp.js'
import { buildFrame, checksum, type Frame, fragmentsOf, ipOffset } from '../tools/packet.js'
import { forwarded, loadProgram, type Run, skip } from '../tools/program.js'
import type { ServiceWish } from '../tools/service-spec.js'

const MUTANTS = effort(100_000)
const SEED = 20261122

const IPV6 = { source: '2001:db8::100', destination: '2001:db8::1' }
const query: Frame = { protocol: 'udp', destinationPort: 53, payload: 40 }

const kinds: Frame[] = [
  {},
  { flags: ['ACK'], payload: 64 },
  { protocol: 'udp', destinationPort: 53, payload: 30 },
  { options: 10, ttl: 1 },
  { ttl: 1, source: '127.0.0.1' },
  { vlans: [5], ttl: 2, protocol: 'udp', destinationPort: 53 },
  { vlans: [5, 7], options: 2, payload: 9 },
  { fragment: 0x2000, protocol: 'udp' },
  { destination: '10.0.0.9', payload: 3 },
  { protocol: 1, payload: 20 },
  ...fragmentsOf(query, 24),
  { ...IPV6 },
  { ...IPV6, flags: ['ACK'], payload: 64, extensions: [0, 43, 60] },
  { ...IPV6, protocol: 'udp', destinationPort: 53, ttl: 1, vlans: [5, 7] },
  ...fragmentsOf({ ...query, ...IPV6, extensions: [60] }, 24),
  errorFrame({ about: {}, type: 3, code: 4, detail: 1400, quoted: { options: 1 } }),
  errorFrame({ about: IPV6, type: 2, detail: 1400, quoted: { extensions: [60] } }),
  errorFrame({ about: IPV6, type: 3, quoted: { fragment: 1 }, outer: { vlans: [5], extensions: [0] } }),
]

/** A small generator with a known seed (mulberry32, Tommy Ettinger): the same mutants each time. */
function random(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Some bytes of the headers changed, the values that decide something more often than others. */
function mutate(frame: Buffer, pick: (below: number) => number): Buffer {
  const mutant = Buffer.from(frame)
  const telling = [
    0, 1, 2, 3, 6, 0x08, 0x11, 0x2c, 0x3c, 0x45, 0x46, 0x60, 0x81, 0x86, 0x88, 0xa8, 0xdd, 0xff,
  ]
  for (let changes = 1 + pick(4); changes > 0; changes--) {
    const value = pick(2) === 0 ? pick(256) : telling[pick(telling.length)]
    mutant.writeUInt8(value ?? 0, pick(Math.min(mutant.length, 122)))
  }
  return pick(4) === 0 ? mutant.subarray(0, 14 + pick(mutant.length - 13)) : mutant
}

/** Where two frames of one length differ. */
function differences(before: Buffer, after: Buffer): number[] {
  return [...after.keys()].filter(at => before[at] !== after[at])
}

/** What the program did to a frame that it may not do with that action; undefined if there is nothing. */
function offence(frame: Buffer, { action, data }: Run): string | undefined {
  if (action === 'DROP') return undefined
  if (action === 'PASS') return frame.equals(data) ? undefined : 'passed, but changed'
  if (action !== 'TX') return action
  const ip = ipOffset(frame)
  const changing = frame.readUInt16BE(ip - 2) === 0x86dd ? [ip + 7] : [ip + 8, ip + 10, ip + 11]
  if (frame.readUInt8(changing[0] ?? 0) <= 1)
    return data.equals(buildAnswer(frame, 'time exceeded')) ? undefined : 'answered with something odd'
  const untagged = Buffer.concat([frame.subarray(0, 12), frame.subarray(ip - 2)])
  if (data.length !== untagged.length) return `sent on with ${data.length} bytes`
  const wrong = differences(untagged, data).filter(at => at >= 12 && !changing.includes(at + ip - 14))
  return wrong.length === 0 ? undefined : `sent on, but changed at ${wrong}`
}

/** What is in a tunnel, in a frame as direct routing has it, and what is wrong about the outer header. */
function unwrap(frame: Buffer, outer: Family): { inner: Buffer; fault: string | undefined } {
  const size = outer === 4 ? 20 : 40
  const header = frame.subarray(14, 14 + size)
  const packet = frame.subarray(14 + size)
  const isIpv4 = header.readUInt8(outer === 4 ? 9 : 6) === 4
  const inside = isIpv4 ? packet.readUInt16BE(2) : 40 + packet.readUInt16BE(4)
  const length = outer === 4 ? header.readUInt16BE(2) - size : header.readUInt16BE(4)
  const isWhole = length === inside && (outer === 6 || checksum(header) === 0)
  const ethertype = Buffer.from(isIpv4 ? '0800' : '86dd', 'hex')
  const inner = Buffer.concat([frame.subarray(0, 12), ethertype, packet])
  return { inner, fault: isWhole ? undefined : `in a tunnel with ${header.toString('hex')}` }
}

t.test('whatever comes in', { skip }, async t => {
  const services: ServiceWish[] = [
    {},
    { protocol: 'udp', port: 53 },
    { vip: IPV6.destination },
    { vip: IPV6.destination, protocol: 'udp', port: 53 },
  ]
  const program = loadProgram(t, { services })
  program.run({})
  program.run(IPV6)

  t.test('a frame cut off anywhere is passed, unless all that IP promises is there', async t => {
    for (const kind of kinds) {
      const whole = buildFrame(kind)
      const wrong: string[] = []
      for (let length = 14; length < whole.length; length++) {
        const frame = whole.subarray(0, length)
        const { action, data } = program.run(frame)
        if (action !== 'PASS' || !frame.equals(data)) wrong.push(`${action} at ${length} bytes`)
      }
      t.strictSame(wrong, [], JSON.stringify(kind))
    }
  })

  t.test(
    'a mutilated frame is dropped, passed untouched, or sent with no more changed than usual',
    async t => {
      const pick = random(SEED)
      const frames = kinds.map(buildFrame)
      const count = { PASS: 0, DROP: 0, TX: 0 }
      const offences: string[] = []
      for (let mutants = 0; mutants < MUTANTS; mutants++) {
        const mutant = mutate(frames[pick(frames.length)] ?? Buffer.alloc(0), pick)
        const run = program.run(mutant)
        const found = offence(mutant, run)
        if (found !== undefined) offences.push(`${found}: ${mutant.toString('hex')}`)
        else if (run.action in count) count[run.action as keyof typeof count]++
      }
      t.strictSame(offences.slice(0, 3), [])
      t.ok(count.PASS > MUTANTS / 100 && count.TX > MUTANTS / 100, `${count.PASS} passed, ${count.TX} sent`)
      t.ok(
        count.DROP > 0,
        `${count.DROP} dropped: how many beside those with nobody to answer to depends on the rate limit of ICMP`,
      )
    },
  )

  t.test('a mutilated frame for another address is passed untouched', async t => {
    const pick = random(SEED + 1)
    const frames = kinds.map(kind =>
      buildFrame({ ...kind, destination: kind.source?.includes(':') ? '2001:db8:9:9::9' : '10.9.9.9' }),
    )
    const offences: string[] = []
    for (let mutants = 0; mutants < MUTANTS / 4; mutants++) {
      const mutant = mutate(frames[pick(frames.length)] ?? Buffer.alloc(0), pick)
      const { action, data } = program.run(mutant)
      if (action !== 'PASS' || !mutant.equals(data)) offences.push(`${action}: ${mutant.toString('hex')}`)
    }
    t.strictSame(offences.slice(0, 3), [])
  })

  for (const outer of [4, 6] as const)
    t.test(`a mutilated frame goes into a tunnel of IPv${outer} as it would be sent on without`, async t => {
      const reals = [{ last: 71, family: outer, forwarding: 'tun' as const }]
      program.apply(...services.map(service => ({ ...service, reals })))
      t.teardown(() => program.apply(...services))
      const pick = random(SEED + 2)
      const frames = kinds.map(buildFrame)
      const offences: string[] = []
      let sent = 0
      for (let mutants = 0; mutants < MUTANTS / 10; mutants++) {
        const mutant = mutate(frames[pick(frames.length)] ?? Buffer.alloc(0), pick)
        const run = program.run(mutant)
        const isSent = run.action === 'TX' && run.real === 71
        if (isSent) sent++
        const { inner, fault } = isSent ? unwrap(run.data, outer) : { inner: run.data, fault: undefined }
        const found = fault ?? offence(mutant, { ...run, data: inner })
        if (found !== undefined) offences.push(`${found}: ${mutant.toString('hex')}`)
      }
      t.strictSame(offences.slice(0, 3), [])
      t.ok(sent > MUTANTS / 2000, `${sent} sent`)
    })

  t.test('a frame in several buffers is balanced', async t => {
    program.clear()
    for (const payload of [3000, 4096, 8946]) {
      const frame: Frame = { flags: ['SYN'], payload, sourcePort: payload }
      const { verdict, real = 0, data } = program.send(frame)
      t.equal(verdict, 'tx')
      t.ok(data.equals(forwarded(frame, real)), `${data.length} bytes, as they came`)
    }
  })

  t.test('a frame in several buffers that IP says is longer still is passed', async t => {
    const frame = buildFrame({ payload: 8000 })
    frame.writeUInt16BE(8041, 16)
    t.equal(program.send(frame).verdict, 'pass_malformed')
  })

  t.test('a frame in several buffers whose TTL is spent is answered with its beginning', async t => {
    program.refillAnswers()
    const frame = buildFrame({ payload: 8946, ttl: 1 })
    const { verdict, data } = program.send(frame)
    t.equal(verdict, 'tx_time_exceeded')
    t.ok(data.equals(buildAnswer(frame, 'time exceeded')), `${data.length} bytes`)
  })
})
