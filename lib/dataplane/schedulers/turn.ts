/**
 * The real that IPVS's rr goes on behind when the list has changed: the one that had the last turn or, if that one has
 * left, the one before it in the list (net/netfilter/ipvs/ip_vs_rr.c).
 *
 * @param last who had it, 0 if nobody
 * @param before ids in the list until now
 * @param after ids in the list from now on
 * @returns 0 for the head of the list
 */
export function lastInList(last: number, before: readonly number[], after: readonly number[]): number {
  const staying = new Set(after)
  return before.slice(0, before.indexOf(last) + 1).findLast(id => staying.has(id)) ?? 0
}

/**
 * Which turn of a round is next behind a real of the list; that one need not have a turn itself.
 *
 * @param round a part of the list, in its order
 */
export function turnBehind(last: number, list: readonly number[], round: readonly number[]): number {
  const behind = new Set(list.slice(list.indexOf(last) + 1))
  return Math.max(0, last === 0 ? 0 : round.findIndex(id => behind.has(id)))
}
