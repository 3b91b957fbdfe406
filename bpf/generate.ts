import { XdplbError } from '../lib/errors.js'
import {
  type Btf,
  type BtfType,
  bareType,
  sectionVariables,
  sizeOf,
  type TypeId,
  typeOf,
} from '../lib/libbpf/btf.js'
import { type MapDefinition, mapDefinitions } from '../lib/libbpf/map-definition.js'

type Struct = Extract<BtfType, { kind: 'struct' | 'union' }>
type Enum = Extract<BtfType, { kind: 'enum' }>

/** How one C type is said in the generated module. */
interface Said {
  /** The expression for its codec: `u32`, `vip`, `bytes6`. */
  codec: string
  /** Its type in TypeScript. */
  type: string
}

const lineWidth = 110

/** Beyond it clang before 15 does not say whether a value is negative. */
const mostSigned = 0x7fff_ffff

const isPadding = (name: string) => /^_*pad\d*$/.test(name)

/**
 * C that has a variable of each struct and enum of a header. Compiled, its BTF describes them all; that of a program
 * leaves out every enum that only gives constants their names.
 */
export function witnessOf(header: string, text: string): string {
  const types = [...text.matchAll(/^(struct|enum) (\w+) \{/gm)]
  return [`#include "${header}"`, ...types.map(([, kind, name]) => `${kind} ${name} the_${name};`), ''].join(
    '\n',
  )
}

/**
 * The TypeScript module that mirrors a program's data: an interface and a codec for each struct, the names of each
 * enum's values, the sizes of the maps, and where in the map of its variables each member of the one variable is.
 *
 * Throws for what would have to be guessed: holes that the compiler made, bitfields, unions, pointers. Fields called
 * `pad`, `pad1`, `_pad` are written as zeroes and not shown. Enumerators that do not begin with their enum's name
 * (`FLOW_STATES` in `enum flow_state`) count or bound the others and are left out.
 *
 * @param options.types every global variable's type is described, in that order
 * @param options.object declares the maps
 * @param options.libbpf where the generated module finds the binding
 */
export function generateLayout(options: { types: Btf; object: Btf; libbpf: string }): string {
  const module = new Module()
  const tables = tablesOf(options.object)
  for (const type of options.types) {
    if (type.kind !== 'variable') continue
    const bare = bareType(options.types, type.type)
    if (bare.kind === 'enum') module.defineEnum(bare)
    if (bare.kind === 'struct' && bare.name !== tables?.name) module.defineStruct(options.types, bare)
  }
  module.defineMaps(options.object, mapDefinitions(options.object))
  if (tables) module.defineTables(options.object, tables)
  return module.text(options.libbpf)
}

class Module {
  readonly #imports = new Set<string>()
  readonly #defined = new Set<string>()
  readonly #parts: string[] = []

  defineStruct(btf: Btf, struct: Struct): void {
    if (!this.#isFirst(camelCase(struct.name))) return
    checkExplicit(btf, struct)
    this.#import('type Codec')
    const fields = struct.members.map(member => {
      const where = `struct ${struct.name}: ${member.name}`
      const at = member.bitOffset === 0 ? 'at' : `at + ${member.bitOffset / 8}`
      if (isPadding(member.name)) return { zeros: this.#zeros(at, sizeOf(btf, member.type)) }
      return { name: camelCase(member.name), at, ...this.#say(btf, member.type, where) }
    })
    const shown = fields.flatMap(field => (field.zeros === undefined ? [field] : []))
    const type = pascalCase(struct.name)
    this.#parts.push(
      lines(
        `/** \`struct ${struct.name}\`, ${struct.size} bytes. */`,
        `export interface ${type} {`,
        ...shown.map(field => `  readonly ${field.name}: ${field.type}`),
        '}',
      ),
      lines(
        `export const ${camelCase(struct.name)}: Codec<${type}> = {`,
        `  size: ${struct.size},`,
        '  read: (view, at) => ({',
        ...shown.map(field => `    ${field.name}: ${field.codec}.read(view, ${field.at}),`),
        '  }),',
        '  write: (view, at, value) => {',
        ...fields.map(
          field => `    ${field.zeros ?? `${field.codec}.write(view, ${field.at}, value.${field.name})`}`,
        ),
        '  },',
        '}',
      ),
    )
  }

  defineEnum({ name, values }: Enum): void {
    if (!this.#isFirst(camelCase(name))) return
    const prefix = `${name.toUpperCase()}_`
    const own = values.filter(value => value.name.startsWith(prefix))
    if (own.length === 0) throw misfit(`enum ${name}: no name begins with ${prefix}`)
    const odd = own.find(({ value }) => value < 0 || value > mostSigned)
    if (odd) throw misfit(`enum ${name}: ${odd.name} is ${odd.value}, expected 0 to ${mostSigned}`)
    this.#parts.push(
      lines(
        `/** \`enum ${name}\`. */`,
        `export const ${camelCase(name)} = {`,
        ...own.map(value => `  ${value.name.slice(prefix.length).toLowerCase()}: ${value.value},`),
        '} as const',
      ),
      `export type ${pascalCase(name)} = keyof typeof ${camelCase(name)}\n`,
    )
  }

  defineMaps(btf: Btf, maps: MapDefinition[]): void {
    this.#import('type MapLayout')
    const entries = maps.flatMap(map => {
      const codec = (part: string, type: TypeId | undefined) =>
        type === undefined ? [] : [`${part}: ${this.#say(btf, type, `map ${map.name}: ${part}`).codec}`]
      const properties = [
        `type: '${map.type}'`,
        `keySize: ${map.keySize}`,
        `valueSize: ${map.valueSize}`,
        `maxEntries: ${map.maxEntries}`,
        ...codec('key', map.keyType),
        ...codec('value', map.valueType),
      ]
      const line = `  ${map.name}: { ${properties.join(', ')} },`
      if (line.length <= lineWidth) return line
      return [`  ${map.name}: {`, ...properties.map(property => `    ${property},`), '  },']
    })
    this.#parts.push(
      lines(
        '/** The maps as the object declares them, by name; sizes in bytes. */',
        'export const mapLayouts = {',
        ...entries,
        '} as const satisfies Record<string, MapLayout>',
      ),
    )
  }

  /** The members of a struct that is a map's one value, each an array or one more struct. */
  defineTables(btf: Btf, tables: Struct): void {
    checkExplicit(btf, tables)
    this.#import('type ArrayLayout')
    const entries = tables.members.map(({ name, type, bitOffset }) => {
      const bare = bareType(btf, type)
      const [element, length] = bare.kind === 'array' ? [bare.type, bare.length] : [type, 1]
      const { codec } = this.#say(btf, element, `struct ${tables.name}: ${name}`)
      const stride = sizeOf(btf, element)
      return `  ${name}: { offset: ${bitOffset / 8}, stride: ${stride}, length: ${length}, value: ${codec} },`
    })
    this.#parts.push(
      lines(
        `/** \`struct ${tables.name}\`, the value of the map \`.bss\`: its members, in bytes from its beginning. */`,
        `export const ${camelCase(tables.name)}Layout = {`,
        ...entries,
        '} as const satisfies Record<string, ArrayLayout>',
      ),
    )
  }

  text(libbpf: string): string {
    const name = (item: string) => item.replace('type ', '')
    const items = [...this.#imports].sort((a, b) => name(a).localeCompare(name(b), 'en', { numeric: true }))
    const line = `import { ${items.join(', ')} } from '${libbpf}'\n`
    const short = line.length <= lineWidth + 1
    const imports = short ? line : lines('import {', ...items.map(item => `  ${item},`), `} from '${libbpf}'`)
    return [
      '// Generated from bpf/types.h and the maps of the object: do not edit.\n',
      imports,
      ...this.#parts,
    ].join('\n')
  }

  /** The codec and the type for a C type; defines what they need first. */
  #say(btf: Btf, id: TypeId, where: string): Said {
    const wire = bigEndianName(btf, id)
    if (wire !== undefined) return { codec: this.#import(wire), type: 'number' }
    const bare = bareType(btf, id)
    switch (bare.kind) {
      case 'int': {
        if (bare.boolean) return { codec: this.#import('bool'), type: 'boolean' }
        if (![1, 2, 4, 8].includes(bare.size)) throw misfit(`${where}: an integer of ${bare.size} bytes`)
        const codec = this.#import(`${bare.signed ? 'i' : 'u'}${bare.size * 8}`)
        return { codec, type: bare.size === 8 ? 'bigint' : 'number' }
      }
      case 'enum': {
        this.defineEnum(bare)
        const number = this.#import(`u${bare.size * 8}`)
        const name = camelCase(bare.name)
        const codec = this.#constant(`${name}Name`, `${this.#import('named')}(${name}, ${number})`)
        return { codec, type: pascalCase(bare.name) }
      }
      case 'array': {
        const element = this.#say(btf, bare.type, where)
        if (element.codec === 'u8') {
          const codec = this.#constant(`bytes${bare.length}`, `${this.#import('bytes')}(${bare.length})`)
          return { codec, type: 'Uint8Array' }
        }
        const list = `${this.#import('list')}(${element.codec}, ${bare.length})`
        const item = element.type.includes(' ') ? `(${element.type})` : element.type
        return { codec: this.#constant(`${element.codec}x${bare.length}`, list), type: `readonly ${item}[]` }
      }
      case 'struct':
        if (bare.name === '') throw misfit(`${where}: a struct without a name`)
        this.defineStruct(btf, bare)
        return { codec: camelCase(bare.name), type: pascalCase(bare.name) }
      default:
        throw misfit(`${where}: a ${bare.kind}, expected an integer, an enum, an array or a struct`)
    }
  }

  #zeros(at: string, size: number): string {
    return `${this.#import('writeZeros')}(view, ${at}, ${size})`
  }

  #constant(name: string, expression: string): string {
    if (this.#isFirst(name)) this.#parts.push(`const ${name} = ${expression}\n`)
    return name
  }

  #import(name: string): string {
    this.#imports.add(name)
    return name
  }

  #isFirst(name: string): boolean {
    const isFirst = !this.#defined.has(name)
    this.#defined.add(name)
    return isFirst
  }
}

/** The type of the one variable in `.bss`: where one of several begins is known to the linker only. */
function tablesOf(object: Btf): Struct | undefined {
  const [variable, another] = sectionVariables(object, '.bss')
  if (another) throw misfit(`variables ${variable?.name} and ${another.name}, expected one`)
  const bare = variable && bareType(object, variable.type)
  return bare?.kind === 'struct' ? bare : undefined
}

/** Every byte of a struct belongs to a field: what the compiler leaves open would be garbage in a key. */
function checkExplicit(btf: Btf, struct: Struct): void {
  const hole = (size: number, where: string) =>
    misfit(`struct ${struct.name}: ${size} bytes of implicit padding ${where}, expected a field called pad`)
  let end = 0
  for (const member of struct.members) {
    if (member.bitfieldSize > 0) throw misfit(`struct ${struct.name}: ${member.name}: a bitfield`)
    const start = member.bitOffset / 8
    if (start !== end) throw hole(start - end, `before ${member.name}`)
    end = start + sizeOf(btf, member.type)
  }
  if (end !== struct.size) throw hole(struct.size - end, 'at the end')
}

/** `be16`, `be32`: the network's integers differ from the machine's only by the name of their typedef. */
function bigEndianName(btf: Btf, id: TypeId): string | undefined {
  let type = typeOf(btf, id)
  for (let steps = 0; steps < btf.length && (type.kind === 'typedef' || type.kind === 'qualifier'); steps++) {
    if (type.kind === 'typedef' && /^__be(16|32)$/.test(type.name)) return type.name.slice(2)
    type = typeOf(btf, type.type)
  }
  return undefined
}

const camelCase = (name: string) =>
  name.toLowerCase().replace(/(?<=[^_])_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const pascalCase = (name: string) => camelCase(name).replace(/^[a-z]/, letter => letter.toUpperCase())

const lines = (...parts: string[]) => `${parts.join('\n')}\n`

function misfit(found: string): XdplbError {
  return new XdplbError('UNSUPPORTED', `generate codec: ${found}`)
}
