import { readFileSync } from 'node:fs'
import t from 'tap'
import { BpfObject } from '../../lib/libbpf/index.js'

// Run with the paths of objects, each in a directory that is named after its compiler.

t.test('the verifier', async t => {
  for (const path of process.argv.slice(2)) {
    t.test(`accepts ${path.split('/').slice(-2).join('/')}`, async t => {
      using object = BpfObject.open(readFileSync(path), { name: 'xdplb' })
      using loaded = object.load()
      t.ok(loaded.programs.size > 0)
    })
  }
})
