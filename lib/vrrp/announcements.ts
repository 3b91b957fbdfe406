import type { Instance } from './instance.js'

/** Gratuitous ARP for all addresses that is still to come. */
export interface Announcement {
  readonly because: 'became master' | 'refresh' | 'conflict'
  readonly at: number
  /** So many times over all addresses. */
  readonly times: number
  /** How long after that it comes again. */
  readonly everyMs?: number
}

/** What follows the burst that a master begins with (keepalived: vrrp_state_become_master). */
export function planAnnouncements(instance: Instance, at: number): Announcement[] {
  const delay = instance.garpMasterDelaySeconds * 1000
  const refresh = instance.garpMasterRefreshSeconds * 1000
  const again = { because: 'became master', at: at + delay, times: instance.garpMasterRepeat } as const
  const refreshed = {
    because: 'refresh',
    at: at + delay + refresh,
    times: instance.garpMasterRefreshRepeat,
  } as const
  return [...(delay > 0 ? [again] : []), ...(refresh > 0 ? [{ ...refreshed, everyMs: refresh }] : [])]
}

/** The plan of a master that has heard another of lower priority and has answered with a burst. */
export function planAfterConflict(
  instance: Instance,
  plan: readonly Announcement[],
  at: number,
): readonly Announcement[] {
  const { garpLowerPrioRepeat: times, garpLowerPrioDelaySeconds: delay } = instance
  if (times === 0 || delay === 0) return plan
  const others = plan.filter(({ because }) => because !== 'conflict')
  return [...others, { because: 'conflict', at: at + delay * 1000, times }]
}

/** Parts what is due from the plan that is left, in which what repeats itself has its next turn. */
export function takeDue(
  plan: readonly Announcement[],
  at: number,
): { due: Announcement[]; left: Announcement[] } {
  const due = plan.filter(announcement => announcement.at <= at)
  const later = plan.filter(announcement => announcement.at > at)
  const repeated = due.flatMap(({ everyMs, ...rest }) =>
    everyMs ? [{ ...rest, everyMs, at: at + everyMs }] : [],
  )
  return { due, left: [...later, ...repeated] }
}
