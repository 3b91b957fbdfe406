import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { compile } from '../../bpf/compile.js'
import { BpfObject, type Program, u32 } from '../../lib/libbpf/index.js'
import { makeDirectory } from '../libbpf/kernel.js'

const fixtures = new URL('fixtures/', import.meta.url).pathname

/** `frame` in `struct flood` of fixtures/strangers.bpf.c. */
const FRAME = 54

/**
 * A way to send a TCP frame very often to a program, each time from a client that never came before. Such clients
 * have all the addresses that there are.
 */
export function openFlood(t: Test, program: Program, frame: Buffer): (packets: number) => void {
  const path = join(makeDirectory(t), 'strangers.o')
  compile(fixtures, 'strangers.bpf.c', path)
  using object = BpfObject.open(readFileSync(path), { name: 'strangers' })
  const loaded = object.load()
  t.teardown(() => loaded.close())
  loaded.map('flooded').typed({ key: u32, value: u32 }).update(0, program.fd)
  using floods = loaded.map('floods').mapped()
  floods.bytes.set(frame.subarray(0, FRAME))
  return packets => {
    loaded.program('strangers').testRun({ data: frame, repeat: packets })
  }
}
