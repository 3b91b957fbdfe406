import { XdplbError } from '../../errors.js'
import { commonDivisor, highestOf } from '../../weights.js'
import { hashedAddress, OFFSET_KEY, SKIP_KEY, shortSipHash } from './hashes.js'
import type { Member } from './member.js'

/** Places of a table: the prime that CONFIG_IP_VS_MH_TAB_INDEX 12 stands for, which is the kernel's default. */
export const MAGLEV_PLACES = 4093

/** Weights over their common divisor count up to so many bits (IP_VS_MH_TAB_BITS). */
const WEIGHT_BITS = 6

/**
 * Whose each place of `mh` is, as IPVS deals them out (net/netfilter/ipvs/ip_vs_mh.c; Eisenbud et al., "Maglev",
 * §3.4): in turns, each real takes the next places that are free on a walk of its own. A real whose weight was set to
 * 0 keeps its places.
 *
 * Throws `CONFIG` when there are more members than places.
 *
 * @param members in IPVS's order
 * @returns ids, by place; empty if nobody ever had a weight
 */
export function maglevTable(members: readonly Member[]): number[] {
  if (members.length > MAGLEV_PLACES) {
    throw new XdplbError(
      'CONFIG',
      `schedule: mh: ${members.length} real servers, expected at most ${MAGLEV_PLACES}`,
    )
  }
  const walks = walksOf(members).filter(({ turns }) => turns > 0)
  const table = Array<number>(MAGLEV_PLACES).fill(0)
  let left = walks.length === 0 ? 0 : MAGLEV_PLACES
  for (let place = 0; left > 0; place++) {
    const walk = walks[place % walks.length]
    for (let turn = 0; walk !== undefined && turn < walk.turns && left > 0; turn++, left--)
      table[nextFree(walk, table)] = walk.id
  }
  return walks.length === 0 ? [] : table
}

/** A real's way over the table, and how many places it takes at a time. */
interface Walk {
  readonly id: number
  readonly skip: number
  readonly turns: number
  at: number
}

function walksOf(members: readonly Member[]): Walk[] {
  const weights = members.map(({ lastWeight }) => lastWeight)
  const divisor = commonDivisor(weights) || 1
  const bits = 32 - Math.clz32(highestOf(weights) / divisor)
  const shift = Math.max(0, bits - WEIGHT_BITS)
  return members.map(({ id, address, port, lastWeight }) => {
    const hashed = hashedAddress(address, port)
    return {
      id,
      at: shortSipHash(hashed, OFFSET_KEY) % MAGLEV_PLACES,
      skip: (shortSipHash(hashed, SKIP_KEY) % (MAGLEV_PLACES - 1)) + 1,
      turns: Math.max((lastWeight / divisor) >> shift, Math.min(1, lastWeight)),
    }
  })
}

function nextFree(walk: Walk, table: readonly number[]): number {
  while (table[walk.at] !== 0) walk.at = (walk.at + walk.skip) % MAGLEV_PLACES
  return walk.at
}
