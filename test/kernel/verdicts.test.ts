import t, { type Test } from 'tap'
import { parseAddress } from '../../lib/address.js'
import * as layout from '../../lib/dataplane/layout.gen.js'
import { nowhere } from '../../lib/dataplane/real-table.js'
import { encodeGratuitousArp } from '../../lib/net/arp.js'
import { effort } from '../tools/effort.js'
import { LOOPBACK } from '../tools/hops.js'
import { errorFrame } from '../tools/icmp.js'
import { buildFrame, checksum, clientMac, type Frame, frameBytes, ipOffset, mac } from '../tools/packet.js'
import { forwarded, loadProgram, type Outcome, type ProgramUnderTest, skip } from '../tools/program.js'

const dns = { protocol: 'udp', port: 53 } as const
const query: Frame = { protocol: 'udp', destinationPort: 53, payload: 30 }

/** The verdicts that some test here has seen. */
const seen = new Set<layout.Verdict>()

function send(program: ProgramUnderTest, frame: Frame | Uint8Array): Outcome {
  const outcome = program.send(frame)
  seen.add(outcome.verdict)
  return outcome
}

/** Sends the frame and expects it to go up the stack as it came. */
function passes(
  t: Test,
  program: ProgramUnderTest,
  frame: Frame | Uint8Array,
  verdict: layout.Verdict,
): void {
  const bytes = frameBytes(frame)
  const { action, data, verdict: found } = send(program, bytes)
  t.equal(found, verdict)
  t.equal(action, 'PASS')
  t.strictSame(data, bytes, 'nothing in it has changed')
}

function drops(t: Test, program: ProgramUnderTest, frame: Frame | Uint8Array, verdict: layout.Verdict): void {
  const { action, verdict: found } = send(program, frame)
  t.equal(found, verdict)
  t.equal(action, 'DROP')
}

/** A frame with something put over its bytes from the IPv4 header on. */
function patched(frame: Frame, at: number, ...bytes: number[]): Buffer {
  const built = buildFrame(frame)
  built.set(bytes, ipOffset(built) + at)
  return built
}

t.test('the program', { skip }, async t => {
  const program = loadProgram(t)

  t.test('changes MAC addresses, VLAN and TTL of what goes to a real server, and nothing else', async t => {
    program.apply({}, dns)
    const frames: Record<string, Frame> = {
      'a SYN': {},
      'a SYN with data': { payload: 101 },
      'a SYN that asks with ACK': { flags: ['SYN', 'ACK'] },
      'a datagram': query,
      'a datagram without data': { ...query, payload: 0 },
      'the last but one hop': { ttl: 2 },
      'the longest way': { ttl: 255 },
      'a packet that may be fragmented': { fragment: 0 },
      'a packet with an IPv4 option': { options: 1 },
      'a packet with all IPv4 options that fit': { options: 10 },
      'a packet in a VLAN': { vlans: [5] },
      'a packet in a VLAN in a VLAN': { vlans: [5, 4095] },
      'a datagram with everything': { ...query, vlans: [5, 7], options: 3, ttl: 17, fragment: 0 },
    }
    for (const [title, frame] of Object.entries(frames)) {
      program.clear()
      const { verdict, action, real, data } = send(program, frame)
      t.equal(verdict, 'tx', title)
      t.equal(action, 'TX')
      t.strictSame(data, forwarded(frame, real ?? 0), 'byte for byte')
    }
  })

  t.test('leaves padding behind the packet where it is', async t => {
    program.apply({})
    const padding = Buffer.alloc(6, 0xaa)
    const { real, data } = send(program, Buffer.concat([buildFrame(), padding]))
    t.strictSame(data, Buffer.concat([forwarded({}, real ?? 0), padding]))
  })

  t.test('keeps the checksum of the header right, whatever it was', async t => {
    program.apply({})
    const frame = buildFrame()
    const step = Math.floor(0x10000 / effort(0x10000))
    let wrong = 0
    for (let id = 0; id < 0x10000; id += step) {
      frame.writeUInt16BE(id, 18)
      frame.writeUInt16BE(0, 24)
      frame.writeUInt16BE(checksum(frame.subarray(14, 34)), 24)
      const { data } = program.run(frame)
      if (checksum(data.subarray(14, 34)) !== 0 || data.readUInt16BE(24) === 0xffff) wrong++
    }
    t.equal(wrong, 0)
  })

  t.test('redirects what goes to a real server behind another interface', async t => {
    program.apply({ reals: [71] })
    program.clear()
    program.hops.restore(71, 99)
    const { key, value } = layout.mapLayouts.egress
    program.loaded.map('egress').typed({ key, value }).update(99, LOOPBACK)
    const { verdict, action, data } = send(program, {})
    t.equal(verdict, 'redirect')
    t.equal(action, 'REDIRECT')
    t.strictSame(data, forwarded({}, 71))

    program.loaded.map('egress').typed({ key, value }).delete(99)
    t.equal(program.run({}).action, 'DROP', 'or drops it when it may not send there')
    program.hops.restore(71)
  })

  t.test('answers a spent TTL, unless there is nobody to answer to', async t => {
    program.apply({})
    const { verdict, action } = send(program, { ttl: 1 })
    t.equal(verdict, 'tx_time_exceeded')
    t.equal(action, 'TX')
    drops(t, program, { ttl: 1, source: '127.0.0.1' }, 'drop_ttl')
  })

  t.test('passes what is not IPv4', async t => {
    const ethertype = (number: number) => {
      const frame = buildFrame()
      frame.writeUInt16BE(number, 12)
      return frame
    }
    passes(t, program, ethertype(0x0806), 'pass_ethertype')
    passes(t, program, ethertype(0x88cc), 'pass_ethertype')
    passes(t, program, buildFrame({ vlans: [1, 2, 3] }), 'pass_ethertype')
    passes(t, program, buildFrame({ vlans: [1, 2] }).subarray(0, 20), 'pass_ethertype')
  })

  t.test('passes what is for an address that it does not balance', async t => {
    program.apply({})
    passes(t, program, { destination: '10.0.0.2' }, 'pass_not_vip')
    passes(t, program, { destination: '10.0.0.2', ttl: 1 }, 'pass_not_vip')
    passes(t, program, { destination: '255.255.255.255', to: mac('ff:ff:ff:ff:ff:ff') }, 'pass_not_vip')
    passes(t, program, patched({ destination: '10.0.0.2' }, 0, 0x65), 'pass_not_vip')
  })

  t.test('passes headers that contradict the frame', async t => {
    program.apply({}, dns)
    const syn = buildFrame()
    passes(t, program, syn.subarray(0, 33), 'pass_malformed')
    passes(t, program, patched({}, 0, 0x65), 'pass_malformed')
    passes(t, program, patched({}, 0, 0x44), 'pass_malformed')
    passes(t, program, patched({}, 0, 0x4f), 'pass_malformed')
    passes(t, program, patched({}, 2, 0, 41), 'pass_malformed')
    passes(t, program, patched({}, 2, 0, 19), 'pass_malformed')
    passes(t, program, patched({}, 2, 0, 39), 'pass_malformed')
    passes(t, program, patched({ ...query, payload: 0 }, 2, 0, 27), 'pass_malformed')
    passes(t, program, patched(query, 2, 0xff, 0xff), 'pass_malformed')
  })

  t.test('passes frames that are addressed to another station', async t => {
    program.apply({})
    passes(t, program, { to: mac('02:00:00:00:00:1c') }, 'pass_not_ours')
    passes(t, program, { to: mac('03:00:00:00:00:1b') }, 'pass_not_ours')
    passes(t, program, { to: mac('ff:ff:ff:ff:ff:ff') }, 'pass_not_ours')
  })

  t.test('passes what came in by an interface that it was not told of', async t => {
    program.apply({})
    const port = program.tables.ports.read(LOOPBACK)
    program.tables.ports.write(LOOPBACK, { ...port, ifindex: LOOPBACK + layout.limit.ports })
    passes(t, program, {}, 'pass_not_ours')
    program.tables.ports.write(LOOPBACK, port)
    t.equal(send(program, {}).verdict, 'tx')
  })

  t.test('passes everything for a VIP that another node is master of', async t => {
    program.apply({}, { vip: '10.0.0.2' })
    send(program, {})
    program.services.setRole(parseAddress('10.0.0.1'), 'backup')
    passes(t, program, {}, 'pass_backup')
    passes(t, program, { flags: ['ACK'] }, 'pass_backup')
    passes(t, program, { ttl: 1 }, 'pass_backup')
    t.equal(send(program, { destination: '10.0.0.2' }).verdict, 'tx', 'the other VIP is balanced still')
  })

  t.test('passes what is for a real server that is this host', async t => {
    program.apply({ reals: [71] })
    program.clear()
    program.hops.change(71, {
      hop: { ...nowhere, ifindex: LOOPBACK, mode: layout.mode.local },
      interface: 'lo',
    })
    passes(t, program, {}, 'pass_local')
    passes(t, program, { flags: ['ACK'] }, 'pass_local')
    t.equal(program.flow()?.state, 'established', 'its flows are kept as others are')
    program.hops.restore(71)
  })

  t.test('passes fragments whose first one was not seen', async t => {
    program.apply({}, dns)
    passes(t, program, { ...query, fragment: 0x00b9 }, 'pass_fragment')
    passes(t, program, { ...query, fragment: 0x20b9 }, 'pass_fragment')
  })

  t.test('passes protocols that it does not balance', async t => {
    program.apply({})
    passes(t, program, { protocol: 1, body: Buffer.of(8, 0, 0, 0, 0, 0, 0, 0) }, 'pass_protocol')
    passes(t, program, { protocol: 50 }, 'pass_protocol')
    passes(t, program, { source: '2001:db8::100', destination: '2001:db8::9' }, 'pass_not_vip')
  })

  t.test('passes ICMP errors about flows that it does not know', async t => {
    program.apply({})
    program.clear()
    passes(t, program, errorFrame({ about: {}, type: 3 }), 'pass_icmp_no_flow')
  })

  t.test('passes ports that no virtual server has', async t => {
    program.apply({}, dns)
    passes(t, program, { destinationPort: 8080 }, 'pass_no_service')
    passes(t, program, { destinationPort: 53 }, 'pass_no_service')
    passes(t, program, { ...query, destinationPort: 80 }, 'pass_no_service')
    passes(t, program, { destinationPort: 80 << 8 }, 'pass_no_service')
  })

  t.test('passes segments in mid-connection that no flow is known for', async t => {
    program.apply({})
    program.clear()
    passes(t, program, { flags: ['ACK'] }, 'pass_no_flow')
    passes(t, program, { flags: ['FIN', 'ACK'] }, 'pass_no_flow')
    passes(t, program, { flags: ['RST'] }, 'pass_no_flow')
    passes(t, program, { flags: ['SYN', 'RST'] }, 'pass_no_flow')
    passes(t, program, { flags: [] }, 'pass_no_flow')
    t.strictSame(program.flows(), [], 'and remembers none of them')
  })

  t.test('answers what no real server is there for, unless there is nobody to answer to', async t => {
    program.apply({ reals: [] }, { ...dns, reals: [{ last: 71, weight: 0 }] })
    program.clear()
    for (const frame of [{}, query]) {
      t.equal(send(program, frame).verdict, 'tx_no_real')
      drops(t, program, { ...frame, source: '127.0.0.1' }, 'drop_no_real')
    }
    t.strictSame(program.flows(), [])
  })

  t.test('answers what is too big for the way to its real server, unless there is nobody to', async t => {
    program.apply({ reals: [71] })
    program.hops.narrow(71, 1400)
    t.equal(send(program, { payload: 1400 }).verdict, 'tx_too_big')
    drops(t, program, { payload: 1400, source: '127.0.0.1' }, 'drop_too_big')
    program.hops.restore(71)
  })

  t.test('drops what would need more room in front of it than there is', async t => {
    program.apply({ reals: [71] })
    program.hops.tag(71, [5])
    const outcome = program.sendCrowded({})
    if (outcome) t.match(outcome, { verdict: 'drop_no_headroom', action: 'DROP' })
    else t.comment('this kernel lets no test take that room')
    seen.add('drop_no_headroom')
    program.hops.restore(71)
  })

  t.test('drops what is for a real server that has left the service', async t => {
    program.apply({ reals: [71] })
    program.clear()
    send(program, {})
    program.apply({ reals: [72] })
    drops(t, program, { flags: ['ACK'] }, 'drop_real_removed')
    drops(t, program, { flags: ['ACK'], ttl: 1 }, 'drop_real_removed')
  })

  t.test('drops what is for a real server without a MAC address', async t => {
    program.apply({ reals: [71] })
    program.clear()
    send(program, {})
    program.hops.change(71, { reason: 'nobody answers', kind: 'passing' })
    drops(t, program, { flags: ['ACK'] }, 'drop_no_neighbour')
    program.hops.restore(71)
    t.equal(send(program, { flags: ['ACK'] }).verdict, 'tx')
  })

  t.test('drops what would begin a flow whose signature another one has', async t => {
    program.apply({}, dns)
    for (const frame of [{}, query]) {
      program.clear()
      send(program, frame)
      const { index } = program.flow(frame) ?? t.context
      program.rewrite('flows', layout.flow, index, { clientPort: 1 })
      const words = () => program.loaded.mapped('flow_words').u64.filter(word => word !== 0n)
      const before = words()
      drops(t, program, frame, 'drop_conflict')
      t.strictSame(words(), before, 'the other flow is as it was')
    }
  })

  t.test('drops requests for the MAC address of what was yielded to another node', async t => {
    const vip = parseAddress('10.0.0.1')
    program.apply({})
    program.services.setRole(vip, 'yielded')
    drops(t, program, encodeGratuitousArp({ address: vip, mac: clientMac }), 'drop_arp')
  })

  t.test('has no verdict that was not seen here', async t => {
    t.strictSame([...seen].sort(), Object.keys(layout.verdict).sort())
  })
})
