import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { btfOfObject } from '../lib/libbpf/btf.js'
import { compile } from './compile.js'
import { generateLayout, witnessOf } from './generate.js'

// tsx bpf/build.ts: every bpf/NAME.bpf.c becomes bpf/NAME.bpf.o and dist/bpf/NAME.bpf.o, and what TypeScript has to
// know of their layout lib/dataplane/layout.gen.ts. What is newer than its sources stays.

const bpf = dirname(fileURLToPath(import.meta.url))
const root = dirname(bpf)
const shipped = join(root, 'dist/bpf')
const layout = join(root, 'lib/dataplane/layout.gen.ts')
const types = join(bpf, 'types.bpf.o')

const sources = readdirSync(bpf).filter(name => /\.(c|h|ts)$/.test(name))
const newestSource = Math.max(...sources.map(name => statSync(join(bpf, name)).mtimeMs))

/** Runs one step and says so, unless its outcome is newer than everything it comes from. */
function step(verb: string, outcome: string, make: () => void): void {
  const name = relative(root, outcome)
  if (existsSync(outcome) && statSync(outcome).mtimeMs >= newestSource) {
    console.log(`${name} is up to date`)
    return
  }
  mkdirSync(dirname(outcome), { recursive: true })
  make()
  console.log(`${verb} ${name}`)
}

try {
  for (const source of sources.filter(name => name.endsWith('.bpf.c'))) {
    const name = source.replace(/c$/, 'o')
    const object = join(bpf, name)
    step('compile', object, () => compile(bpf, source, object))
    step('copy', join(shipped, name), () => copyFileSync(object, join(shipped, name)))
  }
  step('generate', layout, () => {
    const shared = ['verdict.h', 'flow-types.h', 'trace-types.h', 'types.h'].map(name =>
      readFileSync(join(bpf, name), 'utf8'),
    )
    compile(bpf, { text: witnessOf('types.h', shared.join('')) }, types)
    const text = generateLayout({
      types: btfOfObject(readFileSync(types)),
      object: btfOfObject(readFileSync(join(bpf, 'xdplb.bpf.o'))),
      libbpf: '../libbpf/index.js',
    })
    writeFileSync(layout, text)
  })
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
