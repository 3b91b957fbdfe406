import { XdplbError } from '../errors.js'
import type { Mode } from './modes.js'

/** Totals by the names of verdicts and events. */
export type Counters = Readonly<Record<string, number>>

/** Of packets: flows that lost their place to another while the table was filled, signatures that were equal. */
const TOLERANCE = 0.002

/** What happened in between; evictions of flows as one, for which of them give way is for tests to tell. */
export function changes(before: Counters, after: Counters): Counters {
  const counts: Record<string, number> = {}
  for (const [counter, total] of Object.entries(after)) {
    const name = counter.startsWith('evicted_') ? 'evicted' : counter
    counts[name] = (counts[name] ?? 0) + total - (before[counter] ?? 0)
  }
  return counts
}

/** The share of packets that did what was expected of them. Throws when it is not nearly all. */
export function hitsOf({ name, packets, expected }: Mode, counts: Counters): number {
  const misses = Object.entries(counts).map(([what, count]) => {
    const wanted = (expected[what] ?? 0) * packets
    const missed = Math.abs(count - wanted) / packets
    if (missed <= TOLERANCE) return missed
    throw new XdplbError('USAGE', `measure ${name}: ${count} ${what}, expected ${wanted}`)
  })
  return 1 - Math.max(...misses)
}
