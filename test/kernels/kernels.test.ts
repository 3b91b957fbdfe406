import { mkdirSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { compile } from '../../bpf/compile.js'
import { bundleTests } from './bundle.js'

// The verifier and the packet tests on Debian's kernels, with what each of two compilers makes of the programs, and live
// tests of what the running kernel may have no modules for. The tests inside show up here as subtests.

const kernels = ['6.1', '6.12'] as const
const oldCompiler = 'clang-14'
const newCompiler = 'clang-19'

const root = new URL('../../', import.meta.url).pathname

/** What becomes of very many flows, and before they are over: an emulated machine is too slow for that. */
const tooLong = ['flood', 'full-table', 'resize', 'resize-traffic'].map(name => `${name}.test.ts`)
const packetTests = filesIn('test/kernel').filter(file => !tooLong.includes(basename(file)))
const verifierTest = join(root, 'test/kernels/verifier.ts')
const liveTests = filesIn('test/kernels/live')

const TIMEOUT_S = 3600

/** Long loops a hundredth as long; no test is late, however slow the machine. */
const patience = ['XDPLB_TEST_EFFORT=0.01', 'TAP_TIMEOUT=0']

function filesIn(directory: string): string[] {
  return readdirSync(join(root, directory)).map(name => join(root, directory, name))
}

/** Compiles all programs of bpf/ to `DIRECTORY/COMPILER/NAME.bpf.o`. */
function compileAll(directory: string, compiler: string): string[] {
  const bpf = join(root, 'bpf')
  mkdirSync(join(directory, compiler))
  const sources = readdirSync(bpf).filter(name => name.endsWith('.bpf.c'))
  return sources.map(source => {
    const object = join(directory, compiler, source.replace(/c$/, 'o'))
    compile(bpf, source, object, compiler)
    return object
  })
}

/** Runs a command that prints TAP; its tests become subtests. */
function spawn(t: Test, title: string, ...[command = '', ...args]: readonly string[]): void {
  const env = { ...process.env, NODE_OPTIONS: '', TIMEOUT: `${TIMEOUT_S}` }
  void t.spawn(command, args, { timeout: TIMEOUT_S * 1000, env, buffered: true }, title)
}

t.test('the programs', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async t => {
  const directory = t.testdir()
  const objects = [oldCompiler, newCompiler].flatMap(compiler => compileAll(directory, compiler))
  t.pass(`are compiled by ${oldCompiler} and by ${newCompiler}`)

  const bundle = join(directory, 'packets.mjs')
  await bundleTests([verifierTest, ...packetTests], bundle)
  const liveBundle = join(directory, 'live.mjs')
  await bundleTests([verifierTest, ...packetTests, ...liveTests], liveBundle)

  t.jobs = 2
  const kernelVm = join(root, 'test/tools/kernel-vm')
  for (const kernel of kernels) {
    const title = `on Linux ${kernel}`
    spawn(t, title, kernelVm, kernel, 'env', ...patience, process.execPath, liveBundle, ...objects)
  }
  const replace = `mount --bind ${join(directory, newCompiler, 'xdplb.bpf.o')} ${join(root, 'bpf/xdplb.bpf.o')}`
  const test = ['env', ...patience, process.execPath, bundle, ...objects].join(' ')
  const title = `of ${newCompiler} on the running kernel`
  spawn(t, title, 'unshare', '--mount', 'sh', '-c', `${replace} && exec ${test}`)
})
