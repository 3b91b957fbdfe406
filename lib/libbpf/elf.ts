import { ByteReader } from './byte-reader.js'

// <elf.h>: the 64-bit little-endian kind, the only one that clang writes for `-target bpf` on such a machine
const MAGIC = 0x464c457f
const CLASS_64_LITTLE_ENDIAN = 0x0102
const MACHINE_BPF = 247
const NO_BITS = 8

const header = { machine: 0x12, sections: 0x28, sectionSize: 0x3a, sectionCount: 0x3c, names: 0x3e }
const section = { name: 0, type: 4, offset: 24, size: 32 }

/**
 * The bytes of a section of a BPF object (`.BTF`, `license`); undefined when it has no such section.
 * Throws `USAGE` for anything that is not an ELF object for BPF.
 */
export function elfSection(object: Uint8Array, name: string): Uint8Array | undefined {
  const elf = new ByteReader(object, 'ELF object')
  if (elf.u32(0) !== MAGIC) throw elf.error('no ELF magic, expected an object compiled with -target bpf')
  if (elf.u16(4) !== CLASS_64_LITTLE_ENDIAN || elf.u16(header.machine) !== MACHINE_BPF) {
    throw elf.error(`machine ${elf.u16(header.machine)}, expected 64-bit little-endian BPF (${MACHINE_BPF})`)
  }
  const table = elf.u64(header.sections)
  const stride = elf.u16(header.sectionSize)
  const names = elf.u64(table + elf.u16(header.names) * stride + section.offset)
  for (let index = 0; index < elf.u16(header.sectionCount); index++) {
    const at = table + index * stride
    if (elf.text(names + elf.u32(at + section.name)) !== name) continue
    if (elf.u32(at + section.type) === NO_BITS) return undefined
    return elf.slice(elf.u64(at + section.offset), elf.u64(at + section.size))
  }
  return undefined
}
