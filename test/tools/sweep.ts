import { mock } from 'node:test'
import { Sweeper } from '../../lib/dataplane/sweeper.js'
import type { ProgramUnderTest } from './program.js'

/** One walk of the sweeper over all slots, now. Gives a byte by real id: 1 if a flow or template names it. */
export function sweep({ tables, loaded }: ProgramUnderTest): Uint8Array {
  const rounds: Uint8Array[] = []
  mock.timers.enable({ apis: ['setInterval'] })
  try {
    const now = () => loaded.now()
    using _sweeper = new Sweeper(tables.flows, tables.templates, now, named => rounds.push(named))
    for (let milliseconds = 0; rounds.length === 0; milliseconds++) mock.timers.tick(1)
    return rounds[0] ?? new Uint8Array()
  } finally {
    mock.timers.reset()
  }
}
