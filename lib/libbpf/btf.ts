import { XdplbError } from '../errors.js'
import { ByteReader } from './byte-reader.js'
import { elfSection } from './elf.js'

/** A type is named by its number everywhere in BTF; 0 is `void`. */
export type TypeId = number

export interface BtfMember {
  name: string
  type: TypeId
  /** From the start of the struct, in bits. */
  bitOffset: number
  /** 0 for everything that is not a bitfield. */
  bitfieldSize: number
}

/** One type of a BPF object; kinds that describe code and not data are `other`. */
export type BtfType =
  | { kind: 'void' }
  | { kind: 'int'; name: string; size: number; signed: boolean; boolean: boolean }
  | { kind: 'pointer'; type: TypeId }
  | { kind: 'array'; type: TypeId; length: number }
  | { kind: 'struct' | 'union'; name: string; size: number; members: BtfMember[] }
  | { kind: 'enum'; name: string; size: number; values: { name: string; value: number }[] }
  | { kind: 'typedef' | 'qualifier'; name: string; type: TypeId }
  | { kind: 'variable'; name: string; type: TypeId }
  | { kind: 'section'; name: string; variables: { type: TypeId; offset: number; size: number }[] }
  | { kind: 'other'; number: number }

/** The types of a BPF object, by their numbers. Format: Documentation/bpf/btf.rst. */
export type Btf = readonly BtfType[]

const MAGIC = 0xeb9f
const VERSION = 1

/** Bytes after the common 12 of each kind: fixed ones, and ones for each of its `vlen` entries. */
const extents: readonly (readonly [fixed: number, each: number] | undefined)[] = [
  undefined, // 0: void, never written
  [4, 0], // int
  [0, 0], // pointer
  [12, 0], // array
  [0, 12], // struct
  [0, 12], // union
  [0, 8], // enum
  [0, 0], // forward
  [0, 0], // typedef
  [0, 0], // volatile
  [0, 0], // const
  [0, 0], // restrict
  [0, 0], // function
  [0, 8], // function prototype
  [4, 0], // variable
  [0, 12], // section
  [0, 0], // float
  [4, 0], // declaration tag
  [0, 0], // type tag
  [0, 12], // enum of 64 bits
]

/** The types in an object file. Throws `USAGE` when it is none, or was compiled without `-g`. */
export function btfOfObject(object: Uint8Array): Btf {
  const section = elfSection(object, '.BTF')
  if (section === undefined) throw new XdplbError('USAGE', 'read BTF: no section .BTF, expected clang -g')
  return parseBtf(section)
}

/** The types in the contents of a `.BTF` section. Throws `USAGE` for bytes that contradict themselves. */
export function parseBtf(bytes: Uint8Array): Btf {
  const btf = new ByteReader(bytes, 'BTF')
  if (btf.u16(0) !== MAGIC || btf.u8(2) !== VERSION) throw btf.error(`no BTF magic, version ${VERSION}`)
  const start = btf.u32(4)
  const types = new ByteReader(btf.slice(start + btf.u32(8), btf.u32(12)), 'BTF types')
  const texts = new ByteReader(btf.slice(start + btf.u32(16), btf.u32(20)), 'BTF strings')

  const parsed: BtfType[] = [{ kind: 'void' }]
  let at = 0
  while (at < types.size) {
    const info = types.u32(at + 4)
    const kind = (info >>> 24) & 0x1f
    const extent = extents[kind]
    if (extent === undefined) throw types.error(`kind ${kind} at ${at}, expected 1 to ${extents.length - 1}`)
    parsed.push(parseType(types, texts, at))
    at += 12 + extent[0] + extent[1] * (info & 0xffff)
  }
  return parsed
}

function parseType(types: ByteReader, texts: ByteReader, at: number): BtfType {
  const name = texts.text(types.u32(at))
  const info = types.u32(at + 4)
  const flag = info >>> 31 === 1
  const third = types.u32(at + 8) // a size or a type, by kind
  const body = at + 12
  const each = <T>(size: number, read: (entry: number) => T): T[] =>
    Array.from({ length: info & 0xffff }, (_, index) => read(body + index * size))
  const nameAt = (entry: number) => texts.text(types.u32(entry))

  const kind = (info >>> 24) & 0x1f
  switch (kind) {
    case 1: {
      const encoding = types.u32(body) >>> 24
      return { kind: 'int', name, size: third, signed: (encoding & 1) !== 0, boolean: (encoding & 4) !== 0 }
    }
    case 2:
      return { kind: 'pointer', type: third }
    case 3:
      return { kind: 'array', type: types.u32(body), length: types.u32(body + 8) }
    case 4:
    case 5: {
      const members = each(12, entry => {
        const offset = types.u32(entry + 8)
        const [bitOffset, bitfieldSize] = flag ? [offset & 0xffffff, offset >>> 24] : [offset, 0]
        return { name: nameAt(entry), type: types.u32(entry + 4), bitOffset, bitfieldSize }
      })
      return { kind: kind === 4 ? 'struct' : 'union', name, size: third, members }
    }
    case 6: {
      const read = (entry: number) => (flag ? types.i32(entry) : types.u32(entry))
      const values = each(8, entry => ({ name: nameAt(entry), value: read(entry + 4) }))
      return { kind: 'enum', name, size: third, values }
    }
    case 8:
      return { kind: 'typedef', name, type: third }
    case 9:
    case 10:
    case 11:
    case 18:
      return { kind: 'qualifier', name, type: third }
    case 14:
      return { kind: 'variable', name, type: third }
    case 15: {
      const variables = each(12, entry => ({
        type: types.u32(entry),
        offset: types.u32(entry + 4),
        size: types.u32(entry + 8),
      }))
      return { kind: 'section', name, variables }
    }
    default:
      return { kind: 'other', number: kind }
  }
}

/** The type of that number. Throws `USAGE` for a number that the BTF does not have. */
export function typeOf(btf: Btf, id: TypeId): BtfType {
  const type = btf[id]
  if (type === undefined) throw new XdplbError('USAGE', `read BTF: type ${id}, expected below ${btf.length}`)
  return type
}

/** The type behind typedefs, const, volatile and tags. */
export function bareType(btf: Btf, id: TypeId): BtfType {
  let type = typeOf(btf, id)
  for (let steps = 0; type.kind === 'typedef' || type.kind === 'qualifier'; steps++) {
    if (steps > btf.length) throw new XdplbError('USAGE', `read BTF: type ${id} is defined by itself`)
    type = typeOf(btf, type.type)
  }
  return type
}

/** How many bytes a value of the type takes. Throws `USAGE` for types that have no values. */
export function sizeOf(btf: Btf, id: TypeId): number {
  let length = 1
  let type = bareType(btf, id)
  for (let steps = 0; type.kind === 'array' && steps <= btf.length; steps++) {
    length *= type.length
    type = bareType(btf, type.type)
  }
  switch (type.kind) {
    case 'int':
    case 'enum':
    case 'struct':
    case 'union':
      return length * type.size
    case 'pointer':
      return length * 8
    default:
      throw new XdplbError('USAGE', `read BTF: type ${id} has no size (${type.kind})`)
  }
}

/** A global variable of an object. */
export interface BtfVariable {
  name: string
  type: TypeId
  /** From the start of its section. 0 in an object that libbpf has not opened: the linker knows it, clang does not. */
  offset: number
  size: number
}

/** The variables of a section (`.rodata`, `.maps`); none when there is no such section. */
export function sectionVariables(btf: Btf, name: string): BtfVariable[] {
  const section = btf.find(type => type.kind === 'section' && type.name === name)
  if (section?.kind !== 'section') return []
  return section.variables.flatMap(({ type, offset, size }) => {
    const variable = typeOf(btf, type)
    return variable.kind === 'variable' ? [{ name: variable.name, type: variable.type, offset, size }] : []
  })
}
