import { libbpf } from './native.js'
import { libbpfOk } from './status.js'

let counted: number | undefined

/** How many values a key of a per-CPU map has: one for each CPU that this machine could ever have. */
export function possibleCpus(): number {
  counted ??= libbpfOk(libbpf().possibleCpus(), 'count CPUs')
  return counted
}
