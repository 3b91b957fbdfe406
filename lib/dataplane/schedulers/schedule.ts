import { XdplbError } from '../../errors.js'
import { MOST_TURNS } from '../../weights.js'
import { limit } from '../layout.gen.js'
import type { Scheduler } from '../spec.js'
import { destinationBuckets, sourceBuckets } from './hash-buckets.js'
import { maglevTable } from './maglev.js'
import { type Member, stepsBetween } from './member.js'
import { lastInList, turnBehind } from './turn.js'
import {
  boundedMembers,
  firstTurnAt,
  type Level,
  levelAfterChange,
  levelBefore,
  noLevel,
  weightedRound,
} from './weighted-round.js'

/** What the program goes by: its service's part of the slots, and where in it rr and wrr begin. */
export interface Schedule {
  /** Ids: a list, a round of turns, or a table by hash. */
  readonly places: readonly number[]
  /** The turn that is next. */
  readonly next: number
  /** The real that had the turn before; 0: none yet. */
  readonly last: number
  readonly level: Level
}

/** A schedule that has been gone by for a while. */
export interface UsedSchedule extends Schedule {
  /** Turns that were taken since. */
  readonly taken: bigint
}

export const noSchedule: UsedSchedule = { places: [], next: 0, last: 0, level: noLevel, taken: 0n }

/** What a schedule follows from. */
export interface Roster {
  readonly scheduler: Scheduler
  /** In IPVS's order. */
  readonly members: readonly Member[]
  /** Can the real be reached? IPVS has no such question: who cannot keeps its place in the list, and gets no turn. */
  readonly isUp: (id: number) => boolean
}

/**
 * The schedule of a list of reals.
 *
 * @param used the one so far
 * @param before the list that the one so far was made of
 */
export function scheduleOf(roster: Roster, used: UsedSchedule, before: readonly Member[]): Schedule {
  const { scheduler, members, isUp } = roster
  if (scheduler === 'wrr') return weightedSchedule(roster, used, before)
  const still = { next: 0, last: 0, level: noLevel }
  if (scheduler === 'sh') return { ...still, places: sourceBuckets(members) }
  if (scheduler === 'dh') return { ...still, places: destinationBuckets(members) }
  if (scheduler === 'mh') return { ...still, places: maglevTable(members) }
  if (members.length > limit.steps) {
    const found = `${members.length} real servers, expected at most ${limit.steps}`
    throw new XdplbError('CONFIG', `schedule: ${scheduler}: ${found}`)
  }
  const places = idsOf(members.filter(({ id, weight }) => weight > 0 && isUp(id)))
  if (scheduler !== 'rr') return { ...still, places }
  const list = idsOf(members)
  const last = lastInList(lastTaken(used), before.length > 0 ? idsOf(before) : used.places, list)
  return { places, next: turnBehind(last, list, places), last, level: noLevel }
}

function weightedSchedule(
  { members, isUp }: Roster,
  used: UsedSchedule,
  before: readonly Member[],
): Schedule {
  const level = stepsBetween(before, members).reduce(
    (reached, step) => levelAfterChange(reached, boundedMembers(step, MOST_TURNS)),
    levelReached(used),
  )
  const bounded = boundedMembers(members, MOST_TURNS)
  const round = weightedRound(bounded)
  const first = round.slice(0, firstTurnAt(level, bounded)).filter(isUp).length
  return { places: round.filter(isUp), next: first, last: 0, level }
}

function levelReached({ places, next, level, taken }: UsedSchedule): Level {
  if (taken === 0n || places.length === 0) return level
  const turn = Number((BigInt(next) + taken) % BigInt(places.length))
  return { level: levelBefore(places, turn, level.step), step: level.step }
}

/** The real that had the last turn; 0: none yet. */
function lastTaken({ places, next, last, taken }: UsedSchedule): number {
  if (taken === 0n || places.length === 0) return last
  return places[Number((BigInt(next) + taken - 1n) % BigInt(places.length))] ?? 0
}

function idsOf(members: readonly Member[]): number[] {
  return members.map(({ id }) => id)
}
