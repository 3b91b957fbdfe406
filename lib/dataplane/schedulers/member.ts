import type { Address } from '../../address.js'

/** A real server as a scheduler sees it. */
export interface Member {
  readonly id: number
  readonly address: Address
  readonly port: number
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
export function listed(before: readonly Member[], wanted: readonly Member[]): Member[] {
  const known = new Map(before.map(member => [member.id, member]))
  const staying = new Map(wanted.map(member => [member.id, member]))
  return [
    ...wanted.filter(({ id }) => !known.has(id)).reverse(),
    ...before.flatMap(member => {
      const now = staying.get(member.id)
      return now ? [now.weight === 0 ? { ...now, lastWeight: member.lastWeight } : now] : []
    }),
  ]
}

/**
 * The lists on the way from one to another, as a series of single changes leads there: reals leave, weights change,
 * reals are added. Empty if nothing changes.
 */
export function stepsBetween(before: readonly Member[], after: readonly Member[]): Member[][] {
  const wanted = new Map(after.map(member => [member.id, member]))
  const steps: Member[][] = []
  let list = [...before]
  const step = (next: Member[]) => {
    list = next
    steps.push(next)
  }
  for (const { id } of before) if (!wanted.has(id)) step(list.filter(member => member.id !== id))
  for (const [place, { id, weight }] of list.entries()) {
    const now = wanted.get(id)
    if (now && now.weight !== weight) step(list.with(place, now))
  }
  for (const member of after.slice(0, after.length - list.length).reverse()) step([member, ...list])
  return steps
}

/** Would IPVS have been told of no change? */
export function isSameList(before: readonly Member[], after: readonly Member[]): boolean {
  const isSame = ({ id, weight }: Member, other?: Member) => id === other?.id && weight === other.weight
  return before.length === after.length && after.every((member, place) => isSame(member, before[place]))
}
