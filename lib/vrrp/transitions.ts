import { planAnnouncements } from './announcements.js'
import type { Instance } from './instance.js'
import { type LogLine, logLine } from './log-line.js'
import type { Heard } from './receive.js'
import { type Action, type Backup, never, type Step, type VrrpState } from './state.js'
import { downMs, intervalMs, skewMs } from './timing.js'

/** The advert comes first, so that the old master gives the addresses up before they are announced. */
export function becomeMaster(instance: Instance, at: number): Step {
  const announcements = planAnnouncements(instance, at)
  const advertAt = at + intervalMs(instance)
  return [
    { state: 'MASTER', advertAt, announcements, restoreAt: never, restoreFrom: at },
    [
      { type: 'send', priority: instance.priority },
      log(instance, 'Entering MASTER STATE'),
      log(instance, 'setting VIPs.'),
      { type: 'addAddresses' },
      { type: 'announce', times: instance.garpMasterRepeat },
      { type: 'become', state: 'MASTER' },
    ],
  ]
}

/** Of a master that has heard a better one. */
export function becomeBackup(instance: Instance, master: Heard, at: number): Step {
  return [
    { ...backupOf(instance, master.intervalMs, at), master },
    [
      log(instance, 'Entering BACKUP STATE'),
      ...removeAddresses(instance),
      { type: 'become', state: 'BACKUP' },
    ],
  ]
}

export function backupOf(instance: Instance, masterIntervalMs: number, at: number): Backup {
  const downAt = at + downMs(instance, masterIntervalMs)
  return { state: 'BACKUP', downAt, preemptAt: never, masterIntervalMs, inherited: false }
}

/**
 * Of a node that was master when the process before this one ended. The others have missed it for a while already, so
 * it does not wait as they do: who took over meanwhile is heard within an interval.
 */
export function heirOf(instance: Instance, at: number): Backup {
  const interval = intervalMs(instance)
  const downAt = at + interval + skewMs(instance, interval)
  return { ...backupOf(instance, interval, at), downAt, inherited: true }
}

/** What a node does that can be master no longer: says so, if it was, and lets go of the addresses, if it has them. */
export function resign(instance: Instance, state: VrrpState): Action[] {
  if (state.state === 'BACKUP' && state.inherited) return removeAddresses(instance)
  if (state.state !== 'MASTER') return []
  return [{ type: 'send', priority: 0 }, log(instance, 'sent 0 priority'), ...removeAddresses(instance)]
}

export function removeAddresses(instance: Instance): Action[] {
  return [log(instance, 'removing VIPs.'), { type: 'removeAddresses' }]
}

export function log(instance: Instance, text: string, level?: LogLine['level']): Action {
  return { type: 'log', ...logLine(instance, text, level) }
}
