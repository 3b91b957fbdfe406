import { XdplbError } from '../errors.js'
import { type Btf, type BtfMember, bareType, sectionVariables, sizeOf, type TypeId } from './btf.js'
import { type MapType, mapTypeOf } from './map-type.js'

/** A map as the C source declares it (`SEC(".maps")`), before anything is made of it. */
export interface MapDefinition {
  name: string
  type: MapType
  /** In bytes; 0 for a ring buffer. */
  keySize: number
  valueSize: number
  maxEntries: number
  /** `BPF_F_*` */
  flags: number
  /** The types of `__type(key, …)` and `__type(value, …)`, when it says them. */
  keyType: TypeId | undefined
  valueType: TypeId | undefined
}

/** The maps that an object declares, by name. */
export function mapDefinitions(btf: Btf): MapDefinition[] {
  return sectionVariables(btf, '.maps')
    .map(({ name, type }) => {
      const struct = bareType(btf, type)
      if (struct.kind !== 'struct') {
        throw new XdplbError('USAGE', `read map: ${name}: ${struct.kind}, expected a struct in .maps`)
      }
      return definition(btf, name, new Map(struct.members.map(member => [member.name, member])))
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function definition(btf: Btf, name: string, members: Map<string, BtfMember>): MapDefinition {
  const pointed = (member: string): TypeId | undefined => {
    const found = members.get(member)
    const pointer = found && bareType(btf, found.type)
    return pointer?.kind === 'pointer' ? pointer.type : undefined
  }
  // __uint(name, value) is written `int (*name)[value]`
  const number = (member: string): number | undefined => {
    const target = pointed(member)
    const array = target === undefined ? undefined : bareType(btf, target)
    return array?.kind === 'array' ? array.length : undefined
  }
  const keyType = pointed('key')
  const valueType = pointed('value')
  return {
    name,
    type: mapTypeOf(number('type') ?? 0),
    keySize: number('key_size') ?? (keyType === undefined ? 0 : sizeOf(btf, keyType)),
    valueSize: number('value_size') ?? (valueType === undefined ? 0 : sizeOf(btf, valueType)),
    maxEntries: number('max_entries') ?? 0,
    flags: number('map_flags') ?? 0,
    keyType,
    valueType,
  }
}
