import type { Instance } from './instance.js'
import type { Heard } from './receive.js'
import { type Action, type Backup, type Input, never, type Step } from './state.js'
import { downMs, skewMs } from './timing.js'
import { becomeMaster, log, removeAddresses } from './transitions.js'

/** A node that wakes up later than this was not there to hear a master: adverts may be lost with the time. */
const LATE_MS = 1000

/** What a backup does, RFC 3768 §6.4.2. */
export function stepBackup(instance: Instance, backup: Backup, input: Input): Step {
  if (input.type === 'advert') return hear(instance, backup, input.heard, input.at)
  if (input.type === 'timer' && input.at >= backup.downAt) return missMaster(instance, backup, input.at)
  return [backup, []]
}

function hear(instance: Instance, backup: Backup, heard: Heard, at: number): Step {
  if (heard.priority === 0) {
    const downAt = at + skewMs(instance, backup.masterIntervalMs)
    return [{ ...backup, downAt }, [log(instance, 'Backup received priority 0 advertisement')]]
  }
  const actions: Action[] = backup.inherited ? removeAddresses(instance) : []
  const preemptAt = preemptMoment(instance, backup, heard, at)
  const next = { ...backup, preemptAt, master: heard, inherited: false }
  if (at >= preemptAt) {
    const text = `received lower priority (${heard.priority}) advert from ${heard.source} - discarding`
    return [next, [...actions, log(instance, text)]] // downAt stays: the node takes over when it comes
  }
  const masterIntervalMs = heard.intervalMs
  return [{ ...next, masterIntervalMs, downAt: at + downMs(instance, masterIntervalMs) }, actions]
}

/** From when on adverts like this one do not keep the node from taking over. */
function preemptMoment(instance: Instance, backup: Backup, heard: Heard, at: number): number {
  if (!instance.preempt || heard.priority >= instance.priority) return never
  return backup.preemptAt === never ? at + instance.preemptDelaySeconds * 1000 : backup.preemptAt
}

function missMaster(instance: Instance, backup: Backup, at: number): Step {
  const lateMs = at - backup.downAt
  const { masterIntervalMs } = backup
  if (lateMs > Math.max(masterIntervalMs, LATE_MS)) {
    const downAt = at + masterIntervalMs + skewMs(instance, masterIntervalMs)
    const text = `overslept by ${Math.round(lateMs)} ms, listening for a master before taking over`
    return [{ ...backup, downAt }, [log(instance, text, 'warn')]]
  }
  // A sync group will hold its members here until all of them miss their masters.
  const [master, actions] = becomeMaster(instance, at)
  return [master, [log(instance, 'Receive advertisement timeout'), ...actions]]
}
