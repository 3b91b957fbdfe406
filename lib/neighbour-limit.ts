import { readFileSync } from 'node:fs'
import { type Address, type Family, familyOf } from './address.js'

/** Of the kernel, where it is not set (Documentation/networking/ip-sysctl.rst, gc_thresh3). */
const DEFAULT_LIMIT = 1024

/**
 * What to do about real servers that are more than the kernel keeps neighbours for: it would refuse some with ENOBUFS.
 * A line for each family; none where all fit.
 *
 * @param limitOf how many neighbours the kernel keeps; by default, this machine's
 */
export function neighbourShortages(
  reals: Iterable<Address>,
  limitOf: (family: Family) => number = readLimit,
): string[] {
  const distinct = [...new Set(reals)]
  return ([4, 6] as const).flatMap(family => {
    const count = distinct.filter(address => familyOf(address) === family).length
    const limit = limitOf(family)
    if (count <= limit) return []
    const found = `${count} real servers, but the kernel keeps ${limit} neighbours at most, so some take no flows`
    const enough = 2 ** Math.ceil(Math.log2(2 * count))
    return `${found}; in the initial network namespace: sysctl -w net.ipv${family}.neigh.default.gc_thresh3=${enough}`
  })
}

/** It holds for all network namespaces, and is shown in the initial one only. */
function readLimit(family: Family): number {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv${family}/neigh/default/gc_thresh3`, 'utf8'))
  } catch {
    return DEFAULT_LIMIT
  }
}
