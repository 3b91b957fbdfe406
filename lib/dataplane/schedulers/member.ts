/** A real server as a scheduler sees it. */
export interface Member {
  readonly id: number
  /** 0: gets no new flows. */
  readonly weight: number
  /** The latest weight that was not 0; 0 if it has never had one. `mh` deals its places out by this one. */
  readonly lastWeight: number
}

/**
 * The reals of a service in the order in which IPVS lists them: a new one goes to the head of the list, the others
 * stay where they are (net/netfilter/ipvs/ip_vs_ctl.c, __ip_vs_update_dest). Every scheduler walks the list in this
 * order, and among equals the first one wins.
 *
 * @param before the list so far
 * @param wanted who is to be in it, in the order in which they are added
 */
export function listed(before: readonly number[], wanted: readonly number[]): number[] {
  const known = new Set(before)
  const staying = new Set(wanted)
  return [...wanted.filter(id => !known.has(id)).reverse(), ...before.filter(id => staying.has(id))]
}
