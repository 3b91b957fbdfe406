import { mock } from 'node:test'
import { Sweeper } from '../../lib/dataplane/sweeper.js'
import type { ProgramUnderTest } from './program.js'

/**
 * One walk of the sweeper over all slots, now. Gives a byte by real id: 1 if a flow or template names it.
 *
 * @param onStep called each time that so many milliseconds have gone by for the sweeper
 */
export function sweep({ loaded }: ProgramUnderTest, onStep = () => {}, stepMs = 1): Uint8Array {
  const rounds: Uint8Array[] = []
  mock.timers.enable({ apis: ['setInterval'] })
  try {
    using _sweeper = new Sweeper(loaded, named => rounds.push(named))
    while (rounds.length === 0) {
      mock.timers.tick(stepMs)
      onStep()
    }
    return rounds[0] ?? new Uint8Array()
  } finally {
    mock.timers.reset()
  }
}
