import { type MapType, mapTypeNumber } from './map-type.js'
import { libbpf } from './native.js'
import { libbpfOk } from './status.js'

/**
 * Does this kernel have maps of that type? Asks by making one; throws `UNSUPPORTED` when libbpf does not know the type.
 * (There is no such question about helpers: libbpf 1.1
 * takes recent kernels' refusals for a yes.)
 */
export function hasMapType(type: MapType): boolean {
  return libbpfOk(libbpf().probeMapType(mapTypeNumber(type), null), `probe map type: ${type}`) === 1
}
