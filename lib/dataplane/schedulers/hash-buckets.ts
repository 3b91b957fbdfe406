import type { Member } from './member.js'

/** Buckets of `sh` and `dh`: CONFIG_IP_VS_SH_TAB_BITS and CONFIG_IP_VS_DH_TAB_BITS are 8 in every kernel. */
export const HASH_BUCKETS = 256

/**
 * Whose each bucket of `sh` is: every real takes as many in a row as its weight says, at least one, and the list
 * begins again at its end (net/netfilter/ipvs/ip_vs_sh.c). With weights of more than 256 in sum the end of the list
 * gets none.
 *
 * @param members in IPVS's order
 * @returns ids, by bucket; empty if there are no members
 */
export function sourceBuckets(members: readonly Member[]): number[] {
  return dealt(
    members.flatMap(({ id, weight }) => Array<number>(Math.min(Math.max(1, weight), HASH_BUCKETS)).fill(id)),
  )
}

/** Whose each bucket of `dh` is: one after the other, whatever they weigh (ip_vs_dh.c). */
export function destinationBuckets(members: readonly Member[]): number[] {
  return dealt(members.map(({ id }) => id))
}

function dealt(round: readonly number[]): number[] {
  if (round.length === 0) return []
  return Array.from({ length: HASH_BUCKETS }, (_, bucket) => round[bucket % round.length] ?? 0)
}
