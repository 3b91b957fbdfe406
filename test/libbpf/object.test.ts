import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { built } from '../../cli/demo/lab/built.js'
import { BpfObject, encode, hasMapType, hasXdpFrags, u32, u64 } from '../../lib/libbpf/index.js'
import { mapTypeNumber, mapTypeOf } from '../../lib/libbpf/map-type.js'
import { loadLibbpf } from '../../lib/libbpf/native.js'
import { lastWord } from '../../lib/libbpf/verifier-log.js'
import { errnos } from '../../lib/net/errno.js'
import { makeNamespace } from '../net/netns.js'
import { flags } from '../tools/loader/flags.js'
import { addressKey, kindsObject, loadKinds, makeDirectory, openKinds, packet, skip } from './kernel.js'

const XDP_DROP = 1
const XDP_PASS = 2

t.test('an object file', async t => {
  t.test('is opened by its path, and named after it', async t => {
    const path = join(makeDirectory(t), 'kinds.bpf.o')
    writeFileSync(path, kindsObject())
    using object = BpfObject.open(path)
    t.equal(object.name, 'kinds')
  })

  t.test('says what is in it', async t => {
    using object = openKinds()
    t.ok(object.mapNames.includes('percpu_hash'))
    t.ok(object.mapNames.includes('.rodata'), 'the map of the constants, by its section')
    t.strictSame(object.programNames, ['count', 'grow', 'ingress', 'chain', 'refused'])
  })

  t.test('that is none is refused with what libbpf says', async t => {
    t.throws(() => BpfObject.open(Buffer.from('#!/bin/sh'), { name: 'script' }), {
      code: 'USAGE',
      errno: 4001,
      message: "open object: script: not a BPF object (elf: 'script' is not a proper ELF object)",
    })
    t.throws(() => BpfObject.open(kindsObject().subarray(0, 1000)), { code: 'USAGE' })
    t.throws(() => BpfObject.open('/nonexistent.bpf.o'), {
      code: 'NOT_FOUND',
      message: 'open object: /nonexistent.bpf.o: ENOENT',
    })
  })

  t.test('refuses names that it does not have, and says which it has', async t => {
    using object = openKinds()
    t.throws(() => object.setMaxEntries('hsh', 1), {
      code: 'NOT_FOUND',
      message: /"hsh", expected one of .*hash/,
    })
    t.throws(() => object.setAutoload('cont', true), {
      code: 'NOT_FOUND',
      message: /"cont", expected one of count/,
    })
    t.throws(() => object.setGlobal('vrdict', new Uint8Array(4)), { code: 'NOT_FOUND' })
  })

  t.test('refuses numbers and sizes that do not fit', async t => {
    using object = openKinds()
    for (const maxEntries of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
      t.throws(() => object.setMaxEntries('hash', maxEntries), { code: 'USAGE' }, `${maxEntries}`)
    }
    t.throws(() => object.setGlobal('verdict', new Uint8Array(3)), {
      code: 'USAGE',
      message: 'set global: verdict: 3 bytes, expected 4',
    })
  })

  t.test('can be closed twice, and not be used afterwards', async t => {
    const object = openKinds()
    object.close()
    object.close()
    t.throws(() => object.setMaxEntries('hash', 1), { code: 'CLOSED' })
    t.throws(() => object.setAutoload('count', true), { code: 'CLOSED' })
    t.throws(() => object.setGlobal('verdict', new Uint8Array(4)), { code: 'CLOSED' })
    t.throws(() => object.load(), { code: 'CLOSED' })
  })
})

t.test('an object', { skip }, async t => {
  t.test('is loaded with all programs but those marked with a question mark', async t => {
    const loaded = loadKinds(t)
    t.strictSame([...loaded.programs.keys()], ['count', 'grow', 'ingress', 'chain'])
    t.equal(loaded.map('hash').maxEntries, 1000)
    t.equal(loaded.program('count').testRun({ data: packet }).retval, XDP_PASS)
    t.throws(() => loaded.map('nix'), {
      code: 'NOT_FOUND',
      message: /find map: kinds: "nix", expected one of/,
    })
    t.throws(() => loaded.program('refused'), { code: 'NOT_FOUND' })
  })

  t.test('is loaded once', async t => {
    const object = openKinds()
    using _ = object.load()
    t.throws(() => object.load(), { code: 'CLOSED' })
  })

  t.test('loads with the entries, programs and constants that were set before', async t => {
    const object = openKinds()
    object.setMaxEntries('hash', 17)
    object.setAutoload('grow', false)
    object.setGlobal('verdict', encode(u32, XDP_DROP))
    object.setGlobal('home', encode(addressKey, { address: 0x0a00_0001, port: 80 }))
    object.setGlobal('seen', encode(u64, 100n))
    using loaded = object.load()
    t.equal(loaded.map('hash').maxEntries, 17)
    t.notOk(loaded.programs.has('grow'))
    t.equal(loaded.program('count').testRun({ data: packet }).retval, XDP_DROP)
    const constants = loaded.map('.rodata').lookup(encode(u32, 0))
    t.strictSame([...(constants ?? [])], [1, 0, 0, 0, 10, 0, 0, 1, 0, 80, 0, 0])
    const seen = loaded.map('.bss').typed({ key: u32, value: u64 }).lookup(0)
    t.equal(seen, 101n, 'a variable goes on from its first value')
  })

  t.test('uses a map that exists, as large as it is', async t => {
    const first = loadKinds(t)
    const object = openKinds()
    object.setMaxEntries('shared', 99)
    object.reuse('shared', first.map('shared'))
    using second = object.load()
    t.equal(second.map('shared').id, first.map('shared').id)
    t.equal(second.map('shared').maxEntries, 3)
    t.not(second.map('hash').id, first.map('hash').id)
    const shared = first.map('shared').mapped()
    second.program('count').testRun({ data: packet })
    t.equal(shared.u64[0], 1n)
    shared.close()
  })

  t.test('does not use a map of another layout', async t => {
    const first = loadKinds(t)
    using object = openKinds()
    t.throws(() => object.reuse('shared', first.map('hash')), {
      code: 'USAGE',
      message: /hash: type hash, expected array/,
    })
    t.throws(() => object.reuse('shared', first.map('slots')), { message: /value size 2, expected 16/ })
  })

  t.test('is loaded while a profiler samples this process', async t => {
    const index = new URL('../../lib/libbpf/index.ts', import.meta.url).href
    const script = `
      const { BpfObject } = await import('${index}')
      const loaded = BpfObject.open('${built('bpf/xdplb.bpf.o')}').load()
      console.log(loaded.programs.has('xdplb'))`
    const profiler = ['--cpu-prof', '--cpu-prof-interval=100', `--cpu-prof-dir=${makeDirectory(t)}`]
    const argv = [...flags, ...profiler, '--input-type', 'module', '-e', script]
    const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
    t.strictSame({ stdout, stderr }, { stdout: 'true\n', stderr: '' })
  })

  t.test('that the verifier refuses says which program and why, and has the whole log', async t => {
    const object = openKinds()
    object.setAutoload('refused', true)
    t.throws(() => object.load(), {
      code: 'VERIFIER',
      operation: 'load object: kinds',
      message: 'load object: kinds: program "refused": R1 offset is outside of the packet',
      log: /invalid access to packet.*\n.*\nprocessed 2 insns/,
    })
  })

  t.test('that cannot make a map says which', async t => {
    const object = openKinds()
    object.setMaxEntries('hash', 0xffff_ffff)
    t.throws(() => object.load(), {
      errno: errnos.E2BIG,
      message: /^load object: kinds: E2BIG \(map 'hash': /,
    })
  })

  t.test('cannot be loaded without privilege', async t => {
    const object = openKinds()
    process.seteuid?.(65534)
    try {
      t.throws(() => object.load(), { code: 'PERMISSION', message: /EPERM.*expected root, or CAP_NET_ADMIN/ })
    } finally {
      process.seteuid?.(0)
    }
  })

  t.test('closes its maps and programs, twice without harm', async t => {
    const loaded = openKinds().load()
    const map = loaded.map('hash')
    loaded.close()
    loaded.close()
    t.throws(() => map.fd, { code: 'CLOSED' })
    t.throws(() => loaded.program('count').testRun({ data: packet }), { code: 'CLOSED' })
  })

  t.test('leaves no descriptor behind', async t => {
    const descriptors = () => readdirSync('/proc/self/fd').length
    const before = descriptors()
    openKinds().load().close()
    openKinds().close()
    const refused = openKinds()
    refused.setAutoload('refused', true)
    t.throws(() => refused.load())
    t.equal(descriptors(), before)
  })
})

t.test('libbpf', async t => {
  t.test('that is missing is reported with the cure', async t => {
    t.throws(() => loadLibbpf('libbpf.so.nowhere'), {
      code: 'UNSUPPORTED',
      message: /libbpf\.so\.nowhere: not found, expected libbpf 1\.1 or newer \(apt-get install libbpf1\)/,
    })
  })

  t.test('that is too old is reported with what it lacks', async t => {
    t.throws(() => loadLibbpf('libc.so.6'), {
      code: 'UNSUPPORTED',
      message: /libc\.so\.6: libbpf_set_print is missing, expected libbpf 1\.1 or newer/,
    })
  })

  t.test('prints nothing: what it says is in the errors', async t => {
    const script = `
      import { libbpf } from './lib/libbpf/native.js'
      import { BpfObject } from './lib/libbpf/index.js'
      const printers = [libbpf().setPrint(null)]
      try { BpfObject.open(Buffer.from('garbage')) } catch {}
      printers.push(libbpf().setPrint(null))
      console.log(JSON.stringify(printers))`
    const { stdout, stderr } = spawnSync('node', [...flags, '--input-type', 'module', '-e', script], {
      cwd: new URL('../..', import.meta.url).pathname,
      encoding: 'utf8',
    })
    t.equal(stderr, '')
    t.equal(stdout, '[null,null]\n', 'no printer is set but while an object is opened or loaded')
  })

  t.test('is asked what the kernel has', { skip }, async t => {
    t.ok(hasMapType('ringbuf'))
    t.throws(() => hasMapType('unspec'), { code: 'UNSUPPORTED' }, 'what libbpf does not know either')
    t.ok(hasXdpFrags(), 'Linux 5.18 and later')
  })
})

t.test('the example in the documentation does what it says', { skip }, async t => {
  const directory = makeDirectory(t)
  const readme = readFileSync(new URL('../../lib/libbpf/README.md', import.meta.url), 'utf8')
  const block = (language: string) => readme.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? ''
  const index = new URL('../../lib/libbpf/index.ts', import.meta.url).href
  writeFileSync(join(directory, 'count.bpf.c'), block('c'))
  writeFileSync(join(directory, 'count.mts'), block('ts').replace('xdplb/libbpf', index))
  execFileSync('sh', ['-c', block('sh')], { cwd: directory })
  const namespace = makeNamespace(t, 'readme')
  const tsx = import.meta.resolve('tsx')
  const command = ['netns', 'exec', namespace, process.execPath, '--import', tsx, 'count.mts']
  const output = execFileSync('ip', command, { cwd: directory, encoding: 'utf8' })
  t.equal(output, 'attached to interface 1\n1000 packets on all CPUs\n')
})

t.test('the last word of a verifier log is the line that says why', async t => {
  const log = '0: R1=ctx()\nR1 invalid mem access\nprocessed 2 insns (limit 1000000)\nstack depth 0\n\n'
  t.equal(lastWord(log), 'R1 invalid mem access')
  t.equal(lastWord('\n'), 'no reason given')
})

t.test('map types have the kernel’s numbers', async t => {
  t.equal(mapTypeOf(27), 'ringbuf')
  t.equal(mapTypeNumber('devmap_hash'), 25)
  t.equal(mapTypeOf(9999), 'unspec')
})
