import { addressBytes, familyOf } from '../address.js'
import { XdplbError } from '../errors.js'
import { limit, type Service, scheduler as schedulers } from './layout.gen.js'
import { nextTurn } from './round-robin.js'
import { SlotSpace, type Stretch } from './slot-space.js'
import type { Persistence, ServiceSpec } from './spec.js'
import { SERVICE_WORDS, type Tables } from './tables.js'

const COUNT_MASK = 0xffff_ffffn

/** The services' own entries and their schedules. Who their reals are stands in the table of reals. */
export class ServiceTable {
  readonly #tables: Tables
  readonly #space: SlotSpace
  #lastGiven = 0

  constructor(tables: Tables) {
    this.#tables = tables
    const used = Array.from({ length: limit.services }, (_, id) => stretchOf(tables.services.read(id)))
    this.#space = new SlotSpace(limit.places, used)
  }

  /** The id of a new service: one that no real names, not even one that has left. */
  give(isNamed: (id: number) => boolean): number {
    for (let step = 1; step < limit.services; step++) {
      const id = ((this.#lastGiven + step - 1) % (limit.services - 1)) + 1
      if (this.#tables.services.read(id).inUse === 0 && !isNamed(id)) {
        this.#lastGiven = id
        this.#tables.cursors.write(id, { next: 0n })
        return id
      }
    }
    throw new XdplbError('CONFIG', `add virtual server: all ${limit.services - 1} places are taken`)
  }

  /** Every scheduler is rr as yet. */
  configure(id: number, { persistence }: ServiceSpec): void {
    this.#tables.services.update(id, {
      inUse: 1,
      scheduler: schedulers.rr,
      persistenceS: persistence?.seconds ?? 0,
      granularity: maskOf(persistence),
    })
  }

  /**
   * Switches to another schedule. Round robin goes on behind the real that was given out last.
   *
   * @param order all reals of the service, as the scheduler goes through them
   * @param schedule those that take flows now
   */
  schedule(id: number, order: readonly number[], schedule: readonly number[]): void {
    const before = stretchOf(this.#tables.services.read(id))
    const given = this.#idsOf(before)
    if (given.length === schedule.length && given.every((real, place) => real === schedule[place])) return
    const turn = nextTurn(given, this.#tables.cursors.read(id).next, order, schedule)
    const stretch = this.#space.take(schedule.length)
    for (const [place, real] of schedule.entries()) this.#tables.slots[stretch.first + place] = real
    const packed = (BigInt(stretch.first) << 32n) | BigInt(stretch.count)
    Atomics.store(this.#tables.schedules, id * SERVICE_WORDS, packed)
    this.#tables.cursors.write(id, { next: BigInt(turn) })
    this.#space.give(before)
  }

  /** Takes no flows any more; its id is free once its reals' are. */
  remove(id: number): void {
    this.schedule(id, [], [])
    this.#tables.services.update(id, { inUse: 0 })
  }

  #idsOf({ first, count }: Stretch): number[] {
    return [...this.#tables.slots.subarray(first, first + count)]
  }
}

function stretchOf({ schedule }: Service): Stretch {
  return { first: Number(schedule >> 32n), count: Number(schedule & COUNT_MASK) }
}

/** The granularity over the 16 bytes of an address in the maps. */
function maskOf(persistence: Persistence | undefined): Uint8Array {
  const mask = new Uint8Array(16).fill(0xff)
  if (persistence === undefined) return mask
  const bytes = addressBytes(persistence.granularity)
  if (familyOf(persistence.granularity) === 6) return bytes
  mask.set(bytes.subarray(12), 12)
  return mask
}
