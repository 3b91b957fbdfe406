import { readFileSync } from 'node:fs'
import t from 'tap'
import { BpfObject, encode, u32 } from '../../lib/libbpf/index.js'

// Run with the paths of objects, each in a directory that is named after its compiler.

/** bpf/former.h: what the verifier throws away where these are 0. */
const formerMasks = ['former_flow_mask', 'former_template_mask']

/** Loads every program of an object. */
function load(path: string, prepare: (object: BpfObject) => void = () => {}): number {
  using object = BpfObject.open(readFileSync(path), { name: 'xdplb' })
  prepare(object)
  using loaded = object.load()
  return loaded.programs.size
}

t.test('the verifier', async t => {
  for (const path of process.argv.slice(2)) {
    const title = path.split('/').slice(-2).join('/')
    t.test(`accepts ${title}`, async t => {
      t.ok(load(path) > 0)
    })
    if (!title.endsWith('/xdplb.bpf.o')) continue
    t.test(`accepts ${title} beside tables of another size`, async t => {
      const tell = (object: BpfObject) => {
        for (const mask of formerMasks) object.setGlobal(mask, encode(u32, 1023))
      }
      t.ok(load(path, tell) > 0)
    })
  }
})
