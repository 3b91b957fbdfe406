import { readFileSync } from 'node:fs'
import t from 'tap'
import { elfSection } from '../../lib/libbpf/elf.js'

// Linux 5.15 is the oldest kernel meant, and none is at hand to load the program on.

/** include/uapi/linux/bpf.h of Linux 5.15: helpers are numbered in the order of their coming, up to bpf_task_pt_regs. */
const LAST_HELPER_OF_5_15 = 175

/** Behind a question whether the kernel has it (bpf/ip.h): since 5.18. */
const XDP_GET_BUFF_LEN = 188

// Documentation/bpf/standardization/instruction-set.rst
const INSTRUCTION_SIZE = 8
const CALL = 0x85
const HELPER = 0
const KERNEL_FUNCTION = 2

const object = readFileSync(new URL('../../bpf/xdplb.bpf.o', import.meta.url))

/** The numbers that calls of a kind name, in all programs. */
function called(kind: number): number[] {
  const numbers = new Set<number>()
  for (const name of ['.text', 'xdp']) {
    const code = Buffer.from(elfSection(object, name) ?? [])
    for (let at = 0; at < code.length; at += INSTRUCTION_SIZE) {
      if (code.readUInt8(at) === CALL && code.readUInt8(at + 1) >> 4 === kind)
        numbers.add(code.readInt32LE(at + 4))
    }
  }
  return [...numbers]
}

t.test('the program calls nothing that Linux 5.15 does not have, or asks first', async t => {
  const helpers = called(HELPER)
  t.ok(helpers.length > 3, `${helpers.length} helpers`)
  t.strictSame(
    helpers.filter(number => number > LAST_HELPER_OF_5_15),
    [XDP_GET_BUFF_LEN],
  )
  t.strictSame(called(KERNEL_FUNCTION), [])
})

t.test('no section asks for what Linux 5.15 does not have', async t => {
  t.equal(elfSection(object, 'xdp.frags'), undefined, 'the loader does, where it is there')
})
