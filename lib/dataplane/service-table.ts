import { addressBytes, familyOf } from '../address.js'
import { XdplbError } from '../errors.js'
import { limit, type Service, scheduler as schedulers, serviceFlag } from './layout.gen.js'
import { isSameList, type Member } from './schedulers/member.js'
import {
  noSchedule,
  type Roster,
  type Schedule,
  scheduleOf,
  type UsedSchedule,
} from './schedulers/schedule.js'
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
        this.#write(id, noSchedule)
        return id
      }
    }
    throw new XdplbError('CONFIG', `add virtual server: all ${limit.services - 1} places are taken`)
  }

  configure(id: number, spec: ServiceSpec): void {
    const { scheduler, persistence } = spec
    this.#tables.services.update(id, {
      inUse: 1,
      scheduler: schedulers[scheduler],
      flags: flagsOf(spec),
      persistenceS: persistence?.seconds ?? 0,
      granularity: maskOf(persistence),
    })
  }

  /**
   * Switches to the schedule of these reals, if it is another one.
   *
   * @param before the list that the schedule so far is of; empty if a former process knew it
   */
  schedule(id: number, roster: Roster, before: readonly Member[]): void {
    const used = this.#read(id)
    const schedule = scheduleOf(roster, used, before)
    if (isSameList(before, roster.members) && isSame(used.places, schedule.places)) return
    this.#write(id, schedule)
  }

  /** Takes no flows any more; its id is free once its reals' are. */
  remove(id: number): void {
    this.#write(id, noSchedule)
    this.#tables.services.update(id, { inUse: 0 })
  }

  #read(id: number): UsedSchedule {
    const { first, count } = stretchOf(this.#tables.services.read(id))
    const { next, begun, last, level, step } = this.#tables.cursors.read(id)
    return {
      places: [...this.#tables.slots.subarray(first, first + count)],
      next: Number(begun),
      taken: next - begun,
      last,
      level: { level, step },
    }
  }

  #write(id: number, { places, next, last, level: { level, step } }: Schedule): void {
    const before = stretchOf(this.#tables.services.read(id))
    const stretch = this.#space.take(places.length)
    this.#tables.slots.set(places, stretch.first)
    const packed = (BigInt(stretch.first) << 32n) | BigInt(stretch.count)
    Atomics.store(this.#tables.schedules, id * SERVICE_WORDS, packed)
    this.#tables.cursors.write(id, { next: BigInt(next), begun: BigInt(next), last, level, step })
    this.#space.give(before)
  }
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index])
}

function stretchOf({ schedule }: Service): Stretch {
  return { first: Number(schedule >> 32n), count: Number(schedule & COUNT_MASK) }
}

function flagsOf({ schedulerFlags: { port, fallback }, onePacket }: ServiceSpec): number {
  const bit = (holds: boolean, value: number) => (holds ? value : 0)
  return (
    bit(port, serviceFlag.port) | bit(fallback, serviceFlag.fallback) | bit(onePacket, serviceFlag.one_packet)
  )
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
