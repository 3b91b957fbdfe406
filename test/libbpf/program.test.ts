import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { decode, encode, encodeXdpContext, queryXdp, RingBuffer, u32 } from '../../lib/libbpf/index.js'
import { errnos } from '../../lib/net/errno.js'
import { libc } from '../../lib/net/libc.js'
import { inNamespace } from '../../lib/net/namespace.js'
import { ip, makeNamespace } from '../net/netns.js'
import { loadKinds, openKinds, packet, skip } from './kernel.js'

const XDP_PASS = 2
const XDP_TX = 3
const LOOPBACK = 1

t.test('a test run', { skip }, async t => {
  const object = loadKinds(t)

  t.test('returns the verdict, the packet and the time it took', async t => {
    const data = Uint8Array.from({ length: 64 }, (_, index) => index)
    const result = object.program('count').testRun({ data })
    t.equal(result.retval, XDP_PASS)
    t.strictSame([...result.data], [...data])
    t.ok(result.durationNs >= 0)
    t.equal(result.context.length, 0)
  })

  t.test('repeats on the same packet', async t => {
    const shared = object.map('shared').mapped()
    t.teardown(() => shared.close())
    const before = shared.u64[0] ?? 0n
    object.program('count').testRun({ data: packet, repeat: 1000 })
    t.equal((shared.u64[0] ?? 0n) - before, 1000n)
    const grown = object.program('grow').testRun({ data: packet, repeat: 2, resultSize: 1000 })
    t.equal(grown.data.length, 64 + 200, 'what the first run added, the second one found')
  })

  t.test('gives back a packet that has grown', async t => {
    const result = object.program('grow').testRun({ data: packet })
    t.equal(result.retval, XDP_TX)
    t.equal(result.data.length, 164)
  })

  t.test('never writes beyond the room there is', async t => {
    const program = object.program('grow')
    t.throws(() => program.testRun({ data: packet, resultSize: 163 }), {
      code: 'USAGE',
      errno: errnos.ENOSPC,
      message: 'test run: program "grow": a packet of 164 bytes came out, expected 163 at most',
    })
    t.throws(() => program.testRun({ data: packet, resultSize: 0 }), {
      code: 'USAGE',
      message: /resultSize 0, expected 1 or more/,
    })
    t.equal(program.testRun({ data: packet, resultSize: 164 }).data.length, 164)
  })

  t.test('takes the context from the caller and gives it back', async t => {
    const context = encodeXdpContext({ dataSize: 64, metadataSize: 8, ingressIfindex: LOOPBACK, rxQueue: 0 })
    const result = object.program('ingress').testRun({ data: packet, context })
    t.equal(result.retval, LOOPBACK)
    t.equal(result.context.length, 24)
    t.equal(decode(u32, result.context.subarray(12)), LOOPBACK)
  })

  t.test('refuses what the kernel would not run', async t => {
    const program = object.program('count')
    t.throws(() => program.testRun({ data: new Uint8Array(13) }), { code: 'SYSCALL', errno: errnos.EINVAL })
    for (const repeat of [0, -1, 1.5, 2 ** 31]) {
      t.throws(() => program.testRun({ data: packet, repeat }), { code: 'USAGE' }, `${repeat}`)
    }
    const context = encodeXdpContext({ dataSize: 65 })
    t.throws(() => program.testRun({ data: packet, context }), { code: 'SYSCALL' })
  })

  t.test('really sends live frames', async t => {
    const namespace = makeNamespace(t, 'live')
    ip(`-n ${namespace} link add v0 type veth peer name v1`)
    ip(`-n ${namespace} link set v0 up`)
    ip(`-n ${namespace} link set v1 up`)
    const sender = openKinds()
    sender.setGlobal('verdict', encode(u32, XDP_TX))
    using sending = sender.load()
    const receiving = loadKinds(t)
    let received = 0
    using ring = new RingBuffer(receiving.map('records'), record => {
      if (record.readUInt32LE(0) === packet.length) received++
    })
    using _ = inNamespace(namespace, () => receiving.program('count').attachXdp(libc().ifNameToIndex('v1')))
    const result = inNamespace(namespace, () => {
      const context = encodeXdpContext({ dataSize: 64, ingressIfindex: libc().ifNameToIndex('v0') })
      return sending.program('count').testRun({ data: packet, context, repeat: 3, liveFrames: true })
    })
    t.equal(result.data.length, 0, 'nothing comes back')
    for (; received < 3; ring.consume()) await turn()
    t.equal(received, 3, 'the other end of the cable has got them')
  })
})

t.test('an XDP link', { skip }, async t => {
  const object = loadKinds(t)
  const namespace = makeNamespace(t, 'link')
  const away = <T>(call: () => T) => inNamespace(namespace, call)
  const makeVeth = (name: string) => {
    ip(`-n ${namespace} link add v-${name} type veth peer name p-${name}`)
    return away(() => libc().ifNameToIndex(`v-${name}`))
  }

  t.test('puts a program on an interface until it is closed', async t => {
    const ifindex = makeVeth('up')
    t.equal(
      away(() => queryXdp(ifindex)),
      undefined,
    )
    const program = object.program('count')
    const link = away(() => program.attachXdp(ifindex))
    t.strictSame(
      away(() => queryXdp(ifindex)),
      { mode: 'native', programId: program.id, programName: 'count' },
    )
    t.match(link.info(), { programId: program.id, ifindex })
    link.close()
    link.close()
    t.equal(
      away(() => queryXdp(ifindex)),
      undefined,
    )
    t.throws(() => link.info(), { code: 'CLOSED' })
  })

  t.test('attaches in the mode that was asked for', async t => {
    const ifindex = makeVeth('mode')
    for (const mode of ['native', 'generic'] as const) {
      using _ = away(() => object.program('count').attachXdp(ifindex, { mode }))
      t.match(
        away(() => queryXdp(ifindex)),
        { mode },
      )
    }
  })

  t.test('does not take the place of another program, and says which is there', async t => {
    const ifindex = makeVeth('busy')
    using _ = away(() => object.program('count').attachXdp(ifindex, { mode: 'generic' }))
    const id = object.program('count').id
    for (const mode of ['generic', 'native'] as const) {
      t.throws(() => away(() => object.program('grow').attachXdp(ifindex, { mode })), {
        code: 'BUSY',
        message: `attach xdp: v-busy: program "count" (id ${id}, generic) is attached, expected none; see: bpftool net show dev v-busy; bpftool link`,
      })
    }
  })

  t.test('says when the driver has no native mode', async t => {
    t.throws(() => away(() => object.program('count').attachXdp(LOOPBACK, { mode: 'native' })), {
      code: 'UNSUPPORTED',
      message: 'attach xdp: lo: its driver has no native mode, expected mode auto or generic',
    })
    using link = away(() => object.program('count').attachXdp(LOOPBACK))
    t.equal(link.info().ifindex, LOOPBACK, 'auto falls back to generic')
  })

  t.test('says when there is no such interface', async t => {
    t.throws(() => away(() => object.program('count').attachXdp(4711)), {
      code: 'NOT_FOUND',
      message: 'attach xdp: interface 4711: no such interface',
    })
  })

  t.test('says when frames are too long for the program', async t => {
    const ifindex = makeVeth('jumbo')
    ip(`-n ${namespace} link set v-jumbo mtu 9000`)
    ip(`-n ${namespace} link set p-jumbo mtu 9000`)
    t.throws(() => away(() => object.program('count').attachXdp(ifindex)), {
      code: 'UNSUPPORTED',
      message: /attach xdp: v-jumbo: its MTU is too large/,
    })
  })

  t.test('changes its program in place', async t => {
    const ifindex = makeVeth('swap')
    using link = away(() => object.program('count').attachXdp(ifindex))
    link.update(object.program('grow'))
    t.equal(link.info().programId, object.program('grow').id)
  })

  t.test('is let go by detach, and stays of no use', async t => {
    const ifindex = makeVeth('gone')
    using link = away(() => object.program('count').attachXdp(ifindex))
    link.detach()
    t.equal(
      away(() => queryXdp(ifindex)),
      undefined,
    )
    t.throws(() => link.update(object.program('grow')), { code: 'NOT_FOUND', errno: errnos.ENOLINK })
  })

  t.test('is severed when its interface goes, and says so', async t => {
    const ifindex = makeVeth('cut')
    using link = away(() => object.program('count').attachXdp(ifindex))
    ip(`-n ${namespace} link del v-cut`)
    t.equal(link.info().ifindex, 0)
    t.throws(() => link.update(object.program('grow')), {
      code: 'NOT_FOUND',
      errno: errnos.ENOLINK,
      message: 'update link: to program "grow": ENOLINK, the interface is gone; attach anew',
    })
  })
})

t.test('a ring buffer', { skip }, async t => {
  const object = loadKinds(t)
  const run = (count: number) => object.program('count').testRun({ data: packet, repeat: count })
  const numberOf = (record: Buffer) => record.readUInt32LE(4)

  t.test('hands over records from the event loop, in order', async t => {
    const numbers: number[] = []
    await new Promise<void>(resolve => {
      const ring = new RingBuffer(object.map('records'), record => {
        numbers.push(numberOf(record))
        t.equal(record.length, 8)
        if (numbers.length < 3) return
        ring.close()
        resolve()
      })
      run(1)
      run(2)
    })
    t.strictSame(numbers, [1, 2, 3])
  })

  t.test('hands over at once what is asked for at once', async t => {
    const numbers: number[] = []
    using ring = new RingBuffer(object.map('records'), record => numbers.push(numberOf(record)))
    run(2)
    ring.consume()
    t.strictSame(numbers, [4, 5])
    ring.consume()
    t.equal(numbers.length, 2, 'each once')
  })

  t.test('lets its listener throw without losing the ring', async t => {
    using ring = new RingBuffer(object.map('records'), () => {
      throw new Error('from the listener')
    })
    run(1)
    t.throws(() => ring.consume(), { message: 'from the listener' })
    t.doesNotThrow(() => ring.consume())
  })

  t.test('outlives the descriptor of its map, and can be closed twice', async t => {
    const numbers: number[] = []
    const ring = new RingBuffer(object.map('records'), record => numbers.push(numberOf(record)))
    object.map('records').close()
    run(1)
    ring.consume()
    t.equal(numbers.length, 1)
    ring.close()
    ring.close()
    run(1)
    ring.consume()
    t.equal(numbers.length, 1)
  })

  t.test('is made of a ring buffer map only', async t => {
    t.throws(() => new RingBuffer(object.map('hash'), () => {}), {
      errno: errnos.EINVAL,
      message: 'read ring buffer: hash: EINVAL',
    })
  })
})

t.test('a program can be closed twice, and not be used afterwards', { skip }, async t => {
  const program = loadKinds(t).program('count')
  t.match(program.tag, /^[0-9a-f]{16}$/)
  program.close()
  program.close()
  t.throws(() => program.fd, { code: 'CLOSED' })
  t.throws(() => program.attachXdp(LOOPBACK), { code: 'CLOSED' })
})
