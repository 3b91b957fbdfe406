import { libc } from './libc.js'

/** <bits/sched.h> */
const SCHED_FIFO = 1

/**
 * Has this thread run before all ordinary ones: sched(7), SCHED_FIFO.
 *
 * @param priority 1..99
 * @returns false where that is not permitted (CAP_SYS_NICE)
 */
export function runAsRealtime(priority: number): boolean {
  return libc().schedSetScheduler(0, SCHED_FIFO, new Uint8Array(Int32Array.of(priority).buffer)) === 0
}
