import type { Instance } from './instance.js'

/** How many adverts in a row go missing before a master counts as dead, RFC 3768 §6.1. */
const MISSED_ADVERTS = 3

export function intervalMs(instance: Instance): number {
  return Math.round(instance.advertIntervalSeconds * 1000)
}

/**
 * Skew_Time: what makes the backup with the highest priority the first to take over.
 *
 * @param masterIntervalMs Master_Adver_Interval: in version 2 the instance's own, in version 3 learned from the master
 */
export function skewMs(instance: Instance, masterIntervalMs: number): number {
  const unit = instance.version === 2 ? 1000 : masterIntervalMs // RFC 3768 §6.1, RFC 5798 §6.1
  return ((256 - instance.priority) * unit) / 256
}

/** Master_Down_Interval: after this long without an advert a backup takes over. */
export function downMs(instance: Instance, masterIntervalMs: number): number {
  return MISSED_ADVERTS * masterIntervalMs + skewMs(instance, masterIntervalMs)
}
