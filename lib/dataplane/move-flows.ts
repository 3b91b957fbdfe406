import { setImmediate as others } from 'node:timers/promises'
import type { ResizeStatus } from '../status.js'
import { replace } from './attachment.js'
import { countEvents } from './counters.js'
import { limit } from './layout.gen.js'
import type { LoadedProgram } from './load.js'
import type { PinDirectory } from './pins.js'

/** Looked at in one go: some milliseconds when each holds a flow. */
const SLICE = 8192

/**
 * Puts a program whose tables are of another size in the place of the former one, and moves every flow and every
 * template into them, while packets go on: bpf/former.h takes along what they ask for. Undefined if there is nothing to
 * move.
 */
export async function moveFlows(
  loaded: LoadedProgram,
  pins: PinDirectory,
): Promise<ResizeStatus | undefined> {
  const { former } = loaded
  if (former === undefined) return undefined
  const formerSlots = former.geometry.flowBuckets * limit.ways
  const before = countEvents(loaded)
  loaded.copyFragments()
  replace(loaded.program, pins)
  loaded.showFormer() // again: the former program is in the midst of no packet any more
  loaded.copyFragments()
  for (let slot = 0; slot < former.slots; slot += SLICE) {
    loaded.move(slot, Math.min(SLICE, former.slots - slot))
    await others()
  }
  loaded.dropFormer()
  pins.removeFormer()
  const after = countEvents(loaded)
  return {
    formerSlots,
    moved: after.flow_moved - before.flow_moved,
    lost: after.flow_not_moved - before.flow_not_moved,
  }
}
