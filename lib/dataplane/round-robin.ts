/**
 * Where a new round begins so that nobody notices the old one ended: behind the real that was given out last, as
 * IPVS's rr keeps its place in the list when the list changes (net/netfilter/ipvs/ip_vs_rr.c).
 *
 * @param given the old schedule, in order
 * @param turns how many flows it has given out
 * @param order all reals of the service as IPVS lists them, those that take no flow included
 * @param schedule the new schedule: a part of `order`
 * @returns the place in `schedule` that is next
 */
export function nextTurn(
  given: readonly number[],
  turns: bigint,
  order: readonly number[],
  schedule: readonly number[],
): number {
  const last = lastGiven(given, turns, order)
  if (last === undefined) return 0
  const isBehind = (id: number) => order.indexOf(id) > order.indexOf(last)
  return Math.max(0, schedule.findIndex(isBehind))
}

/** The real given out last that is still in the service; if it has left, the one before it in the list. */
function lastGiven(given: readonly number[], turns: bigint, order: readonly number[]): number | undefined {
  if (turns === 0n || given.length === 0) return undefined
  const place = Number((turns - 1n) % BigInt(given.length))
  const backwards = [...given.slice(0, place + 1).reverse(), ...given.slice(place + 1).reverse()]
  return backwards.find(id => order.includes(id))
}
