import { type Event, event, mapLayouts, type Verdict, verdict } from './layout.gen.js'
import type { LoadedProgram } from './load.js'

/** Packets by verdict, since the tables were made. */
export function countVerdicts(loaded: LoadedProgram): Record<Verdict, number> {
  return count(loaded, 'verdicts', verdict)
}

/** What happened beside the verdicts, since the tables were made. */
export function countEvents(loaded: LoadedProgram): Record<Event, number> {
  return count(loaded, 'events', event)
}

/** Over all CPUs. */
function count<Name extends string>(
  loaded: LoadedProgram,
  map: 'verdicts' | 'events',
  names: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const { key, value } = mapLayouts[map]
  const counters = loaded.map(map).summed({ key, value })
  const totals: Record<Name, number> = { ...names }
  for (const name in names) totals[name] = Number(counters.lookup(names[name]) ?? 0n)
  return totals
}
