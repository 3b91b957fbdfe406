import t from 'tap'
import { flow } from '../../lib/dataplane/layout.gen.js'
import { errorFrame } from '../tools/icmp.js'
import { buildFrame, type Frame } from '../tools/packet.js'
import { forwarded, loadProgram, skip } from '../tools/program.js'

const families = {
  IPv4: {
    client: { source: '10.0.0.100', destination: '10.0.0.1' },
    other: '10.0.0.7',
    errors: { unreachable: 3, 'source quench': 4, 'time exceeded': 11, 'parameter problem': 12 },
    others: { 'echo reply': 0, redirect: 5, echo: 8, timestamp: 13 },
    tooBig: { type: 3, code: 4 },
  },
  IPv6: {
    client: { source: '2001:db8::100', destination: '2001:db8::1' },
    other: '2001:db8::7',
    errors: { unreachable: 1, 'packet too big': 2, 'time exceeded': 3, 'parameter problem': 4 },
    others: { 'reserved error': 0, 'unknown error': 5, echo: 128, 'echo reply': 129, neighbour: 135 },
    tooBig: { type: 2, code: 0 },
  },
}

for (const [family, { client, other, errors, others, tooBig }] of Object.entries(families)) {
  t.test(`an ICMP error of ${family} to a VIP`, { skip }, async t => {
    const vip = client.destination
    const program = loadProgram(t, {
      services: [{ vip }, { vip, port: 53, protocol: 'udp' }, { vip, port: 99, protocol: 'sctp' }],
    })
    t.beforeEach(() => program.clear())
    const query: Frame = { ...client, protocol: 'udp', destinationPort: 53, payload: 30 }
    const init: Frame = { ...client, protocol: 'sctp', destinationPort: 99 }

    for (const [name, type] of Object.entries(errors)) {
      t.test(`goes to the real server whose packet it is about: ${name}`, async t => {
        for (const about of [client, query, init, { ...client, sourcePort: 2 }]) {
          const { real = 0 } = program.run(about)
          const error = errorFrame({ about, type, detail: 0x05060708 })
          const { verdict, action, data } = program.send(error)
          t.equal(verdict, 'tx')
          t.equal(action, 'TX')
          t.strictSame(data, forwarded(error, real), 'byte for byte')
        }
      })
    }

    for (const [name, type] of Object.entries(others)) {
      t.test(`is not what goes up to the stack: ${name}`, async t => {
        program.run(client)
        const frame = buildFrame(errorFrame({ about: client, type }))
        const { verdict, action, data } = program.send(frame)
        t.equal(verdict, 'pass_protocol')
        t.equal(action, 'PASS')
        t.strictSame(data, frame)
      })
    }

    const odd: Record<string, Parameters<typeof errorFrame>[0]> = {
      'a VLAN': { about: client, ...tooBig, outer: { vlans: [5] } },
      'a VLAN in a VLAN': { about: client, ...tooBig, outer: { vlans: [5, 7] } },
      'options, or headers with options': {
        about: client,
        ...tooBig,
        outer: { options: 3, extensions: [0, 60] },
      },
      'options in the quote': { about: client, ...tooBig, quoted: { options: 10, extensions: [60, 43, 0] } },
      'all that is looked through': {
        about: client,
        ...tooBig,
        outer: { extensions: Array(6).fill(60) },
        quoted: { options: 2, extensions: Array(6).fill(60) },
      },
      'the whole packet': { about: client, ...tooBig, quote: 120 },
      'just the ports': { about: client, ...tooBig, quote: 4 },
      'a first fragment': { about: query, ...tooBig, quoted: { fragment: family === 'IPv4' ? 0x2000 : 1 } },
    }
    for (const [title, error] of Object.entries(odd)) {
      t.test(`goes there with ${title}`, async t => {
        const { real = 0 } = program.run(error.about)
        const frame = errorFrame(error)
        const { verdict, data } = program.send(frame)
        t.equal(verdict, 'tx')
        t.strictSame(data, forwarded(frame, real))
      })
    }

    t.test('is counted for the real server, and is no connection', async t => {
      const { real = 0 } = program.run(client)
      const before = program.stats(real)
      const frame = errorFrame({ about: client, ...tooBig })
      program.run(frame)
      const bytes = buildFrame(frame).length - 14
      t.strictSame(program.stats(real), {
        connections: before.connections,
        packets: before.packets + 1,
        bytes: before.bytes + bytes,
      })
    })

    t.test('does not change the flow', async t => {
      program.run(client)
      program.wait(10)
      const words = [...program.loaded.mapped('flow_words').u64]
      t.equal(program.send(errorFrame({ about: client, ...tooBig })).verdict, 'tx')
      t.strictSame([...program.loaded.mapped('flow_words').u64], words)
      t.equal(program.flow(client)?.state, 'syn_recv')
    })

    t.test('goes up if no flow is known for it', async t => {
      const passes = (frame: Frame, why: string) => {
        const { verdict, data } = program.send(frame)
        t.equal(verdict, 'pass_icmp_no_flow', why)
        t.strictSame(data, buildFrame(frame))
      }
      passes(errorFrame({ about: client, ...tooBig }), 'none at all')
      program.run(client)
      program.run({ ...query, sourcePort: 3 })
      passes(errorFrame({ about: { ...client, sourcePort: 1 }, ...tooBig }), 'another port')
      passes(
        errorFrame({ about: { ...query, sourcePort: 3, destinationPort: 80 }, ...tooBig }),
        'another protocol',
      )
      passes(errorFrame({ about: client, ...tooBig, quoted: { source: other } }), 'not from the VIP')
      passes(errorFrame({ about: client, ...tooBig, quoted: { protocol: 47 } }), 'no ports')
      const later = family === 'IPv4' ? 0x2001 : 0x9
      passes(errorFrame({ about: client, ...tooBig, quoted: { fragment: later } }), 'a later fragment')
      const { index } = program.flow(client) ?? t.context
      program.rewrite('flows', flow, index, { clientPort: 1 })
      passes(errorFrame({ about: client, ...tooBig }), 'another flow with the same signature')
      program.rewrite('flows', flow, index, { clientPort: 40000 })
      t.equal(program.send(errorFrame({ about: client, ...tooBig })).verdict, 'tx')
      program.wait(61)
      t.equal(program.flow(client)?.state, 'syn_recv')
      passes(errorFrame({ about: client, ...tooBig }), 'one that is over')
    })

    t.test('cut off anywhere goes up untouched, unless all that IP promises is there', async t => {
      program.run(client)
      const frame = errorFrame({ about: client, ...tooBig, quoted: { options: 1, extensions: [60] } })
      const whole = buildFrame(frame)
      const wrong: string[] = []
      for (let length = 14; length < whole.length; length++) {
        const { action, data } = program.run(whole.subarray(0, length))
        if (action !== 'PASS' || !whole.subarray(0, length).equals(data)) wrong.push(`${action} at ${length}`)
      }
      t.strictSame(wrong, [])
      t.equal(program.send(whole).verdict, 'tx')
    })

    t.test('that ends before the ports goes up', async t => {
      program.run(client)
      const whole = errorFrame({ about: client, ...tooBig, quoted: { options: 1, extensions: [60] } })
      const body = whole.body ?? Buffer.alloc(0)
      for (let length = 0; length <= body.length - 5; length++) {
        const { verdict } = program.send({ ...whole, body: body.subarray(0, length) })
        if (verdict !== 'pass_malformed') t.fail(`${verdict} with ${length} bytes of ICMP`)
      }
      t.equal(program.send({ ...whole, body: body.subarray(0, body.length - 4) }).verdict, 'tx')
    })
  })
}
