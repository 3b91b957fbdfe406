import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { compile } from '../../bpf/compile.js'
import { generateLayout, witnessOf } from '../../bpf/generate.js'
import { XdplbError } from '../../lib/errors.js'
import { type Btf, bareType, btfOfObject, parseBtf, sizeOf } from '../../lib/libbpf/btf.js'
import { decode, encode, nameOf } from '../../lib/libbpf/codec.js'
import { elfSection } from '../../lib/libbpf/elf.js'
import {
  type Everything,
  everything,
  flowKey,
  linkMode,
  mapLayouts,
  verdict,
} from './fixtures/layout.golden.js'

const fixtures = new URL('fixtures/', import.meta.url).pathname
const directory = mkdtempSync(join(tmpdir(), 'xdplb-btf-'))
t.teardown(() => rmSync(directory, { recursive: true }))

function compiled(source: string | { text: string }): Buffer {
  const object = join(directory, 'test.o')
  compile(fixtures, source, object)
  return readFileSync(object)
}

const header = readFileSync(join(fixtures, 'layout.h'), 'utf8')
const object = compiled('layout.bpf.c')
const noMaps: Btf = []

function generate(types: string): string {
  const text = `#include <linux/types.h>\n${types}\n${witnessOf('layout.h', types)}`
  return generateLayout({ types: btfOfObject(compiled({ text })), object: noMaps, libbpf: 'xdplb/libbpf' })
}

t.test('the module generated from a header and an object is the one that this test imports', async t => {
  const types = btfOfObject(compiled({ text: witnessOf('layout.h', header) }))
  const text = generateLayout({ types, object: btfOfObject(object), libbpf: '../../../lib/libbpf/index.js' })
  t.equal(text, readFileSync(join(fixtures, 'layout.golden.ts'), 'utf8'))
})

const example: Everything = {
  big: 0xfedc_ba98_7654_3210n,
  bigSigned: -2n,
  numbers: [1, 2, 0xffff_ffff],
  numberSigned: -3,
  key: { address: 0x0a00_0001, port: 80, protocol: 6 },
  hops: [
    { mac: Uint8Array.of(1, 2, 3, 4, 5, 6), vlan: 7 },
    { mac: Uint8Array.of(8, 9, 10, 11, 12, 13), vlan: 14 },
  ],
  table: [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)],
  wirePorts: [443, 53],
  mode: 'tunnel',
  shortSigned: -4,
  tinySigned: -5,
  isUp: true,
}

t.test('a generated codec reads what it wrote, at any place', async t => {
  t.strictSame(decode(everything, encode(everything, example)), example)
  const view = new DataView(new ArrayBuffer(everything.size + 3))
  everything.write(view, 3, example)
  t.strictSame(everything.read(view, 3), example)
})

t.test('a generated codec puts each byte where the compiler does', async t => {
  t.equal(everything.size, 88)
  const bytes = Buffer.from(encode(everything, example))
  t.equal(bytes.readBigUInt64LE(0), 0xfedc_ba98_7654_3210n, 'integers of the machine are little-endian')
  t.equal(bytes.readInt32LE(28), -3)
  t.strictSame([...bytes.subarray(32, 40)], [10, 0, 0, 1, 0, 80, 6, 0], 'those of the network are big-endian')
  t.equal(bytes.readUInt16LE(54), 14, 'the second hop')
  t.equal(bytes.readUInt32LE(68), linkMode.tunnel)
})

t.test('padding is written as zero, so that equal keys have equal bytes', async t => {
  const bytes = new Uint8Array(flowKey.size).fill(0xff)
  flowKey.write(new DataView(bytes.buffer), 0, { address: 1, port: 2, protocol: 3 })
  t.strictSame([...bytes], [0, 0, 0, 1, 0, 2, 3, 0])
})

t.test('a value that does not fit is refused instead of cut', async t => {
  const refused = (change: Partial<Everything>, message: RegExp) =>
    t.throws(() => encode(everything, { ...example, ...change }), { code: 'USAGE', message })
  refused({ key: { ...example.key, port: 65536 } }, /65536, expected 0 to 65535/)
  refused({ key: { ...example.key, port: 1.5 } }, /1\.5/)
  refused({ numberSigned: Number.NaN }, /NaN/)
  refused({ tinySigned: -129 }, /-129, expected -128 to 127/)
  refused({ big: -1n }, /-1/)
  refused({ bigSigned: 2n ** 63n }, /9223372036854775808/)
  refused({ numbers: [1, 2] }, /2 elements, expected 3/)
  refused({ table: [new Uint8Array(4), new Uint8Array(5)] }, /5 bytes, expected 4/)
})

t.test('an enum value without a name, and too few bytes, are refused when reading', async t => {
  const bytes = Buffer.from(encode(everything, example))
  bytes.writeUInt32LE(9, 68)
  t.throws(() => decode(everything, bytes), { code: 'USAGE', message: /9, expected 0, 1/ })
  t.throws(() => decode(everything, bytes.subarray(1)), { code: 'USAGE', message: /87 bytes, expected 88/ })
})

t.test('names of an enum are found by their numbers', async t => {
  t.equal(nameOf(verdict, 7), 'tx')
  t.throws(() => nameOf(verdict, 3), { code: 'USAGE' })
})

t.test(
  'the layout of a map has the codecs of its key and value when the source names their types',
  async t => {
    t.equal(mapLayouts.flows.key, flowKey)
    t.equal(mapLayouts.flows.valueSize, everything.size)
    t.notOk('key' in mapLayouts.ports)
  },
)

t.test('the generator refuses what it would have to guess, and names it', async t => {
  const refused = (types: string, message: RegExp) => t.throws(() => generate(types), { message }, types)
  refused('struct hole {\n\t__u8 a;\n\t__u32 b;\n};', /struct hole: 3 bytes of implicit padding before b/)
  refused('struct tail {\n\t__u32 a;\n\t__u8 b;\n};', /struct tail: 3 bytes of implicit padding at the end/)
  refused('struct bits {\n\t__u32 a : 4, b : 28;\n};', /struct bits: a: a bitfield/)
  refused('struct both {\n\tunion {\n\t\t__u32 a;\n\t\t__u8 b[4];\n\t} u;\n};', /struct both: u: a union/)
  refused('struct away {\n\tvoid *p;\n};', /struct away: p: a pointer/)
  refused(
    'struct none {\n\tstruct {\n\t\t__u32 a;\n\t} inner;\n};',
    /struct none: inner: a struct without a name/,
  )
  refused('struct huge {\n\t__int128 a;\n};', /struct huge: a: an integer of 16 bytes/)
  refused('enum mode {\n\tFAST,\n};', /enum mode: no name begins with MODE_/)
  refused('enum sign {\n\tSIGN_MINUS = -1,\n};', /enum sign: SIGN_MINUS/)
})

t.test('compiling the same source twice gives the same bytes, without a path of this machine', async t => {
  t.ok(compiled('layout.bpf.c').equals(object))
  t.notOk(compiled('kinds.bpf.c').includes(fixtures))
})

t.test('a source that does not compile is reported with what clang says', async t => {
  t.throws(() => compiled({ text: 'int x = ;' }), { code: 'USAGE', message: /expected expression/ })
  t.throws(() => compiled({ text: '#include <bpf/nowhere.h>' }), {
    message: /apt-get install clang llvm libbpf-dev/,
  })
})

t.test('a missing clang is reported with what to install', async t => {
  const before = process.env.CLANG
  t.teardown(() =>
    before === undefined ? delete process.env.CLANG : Object.assign(process.env, { CLANG: before }),
  )
  process.env.CLANG = '/nowhere/clang'
  t.throws(() => compiled('layout.bpf.c'), { code: 'UNSUPPORTED', message: /apt-get install clang/ })
})

t.test('what is not a BPF object is refused', async t => {
  const refused = (bytes: Uint8Array) => t.throws(() => btfOfObject(bytes), { code: 'USAGE' })
  refused(new Uint8Array())
  refused(Buffer.from('#!/bin/sh\n'))
  refused(readFileSync(process.execPath).subarray(0, 4096))
  refused(object.subarray(0, object.length / 2))
  t.equal(elfSection(object, '.nowhere'), undefined)
})

t.test('a type that is defined by itself is refused', async t => {
  const btf: Btf = [
    { kind: 'void' },
    { kind: 'typedef', name: 'snake', type: 2 },
    { kind: 'qualifier', name: '', type: 1 },
    { kind: 'array', type: 3, length: 2 },
  ]
  t.throws(() => bareType(btf, 1), { code: 'USAGE', message: /type 1 is defined by itself/ })
  t.throws(() => sizeOf(btf, 3), { code: 'USAGE' })
  t.throws(() => bareType(btf, 4), { code: 'USAGE', message: /type 4, expected below 4/ })
})

t.test('no bytes make the parser fail in another way than by an XdplbError', async t => {
  const section = Buffer.from(elfSection(object, '.BTF') ?? [])
  const damage = fc.array(fc.tuple(fc.nat(section.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
  const survives = (bytes: Buffer, read: (bytes: Buffer) => unknown) => {
    try {
      read(bytes)
    } catch (error) {
      if (!(error instanceof XdplbError)) throw error
    }
  }
  const readAll = (bytes: Buffer) =>
    generateLayout({ types: parseBtf(bytes), object: parseBtf(bytes), libbpf: 'xdplb/libbpf' })
  fc.assert(
    fc.property(damage, fc.nat(section.length), (places, cut) => {
      const bytes = Buffer.from(section)
      for (const [at, value] of places) bytes[at] = value
      survives(bytes, readAll)
      survives(bytes.subarray(0, cut), readAll)
      const whole = Buffer.from(object)
      for (const [at, value] of places) whole[at % 64] = value
      survives(whole, btfOfObject)
    }),
    { numRuns: 2000 },
  )
  t.pass('survived')
})
