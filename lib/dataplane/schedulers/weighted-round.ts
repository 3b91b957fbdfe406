import { commonDivisor, highestOf, roundLength } from '../../weights.js'
import type { Member } from './member.js'

/**
 * How far `wrr` has come: what IPVS keeps as `cw` and `di` (net/netfilter/ipvs/ip_vs_wrr.c). A round goes over the
 * list once for each level from the highest weight down to 1, in steps of the weights' common divisor, and gives a
 * flow to every real whose weight reaches the level.
 */
export interface Level {
  readonly level: number
  readonly step: number
}

/** Of a service without reals. */
export const noLevel: Level = { level: 0, step: 1 }

/**
 * One whole round: ids in the order in which flows go to them, from the highest level on. As long as the sum of the
 * weights over their common divisor.
 *
 * @param members in IPVS's order; those of weight 0 get nothing
 */
export function weightedRound(members: readonly Member[]): number[] {
  const { level: top, step } = topLevel(members)
  const round: number[] = []
  for (let level = top; level > 0; level -= step)
    for (const { id, weight } of members) if (weight >= level) round.push(id)
  return round
}

/**
 * The level that the turn before `next` was at. A real has one turn at each level up to its weight, so those that it
 * still has in the round, that last one included, tell.
 *
 * @param next which turn of the round is next, 0 for the first
 */
export function levelBefore(round: readonly number[], next: number, step: number): number {
  const last = (next + round.length - 1) % round.length
  const turnsLeft = round.slice(last).filter(id => id === round[last]).length
  return 1 + (turnsLeft - 1) * step
}

/** What becomes of the level when the list or a weight has changed; the walk over the list begins at its head again. */
export function levelAfterChange({ level }: Level, members: readonly Member[]): Level {
  const { level: top, step } = topLevel(members)
  if (level > top || level === 0) return { level: top, step }
  return { level: step > 1 ? Math.floor(level / step) * step + 1 : level, step }
}

/** The turn of a round at which a level begins. */
export function firstTurnAt({ level, step }: Level, members: readonly Member[]): number {
  return members.reduce((turns, { weight }) => turns + Math.max(0, Math.floor((weight - level) / step)), 0)
}

/**
 * The same members with weights whose round has no more than `most` turns: in proportion, rounded, and nobody gets
 * nothing who had something.
 */
export function boundedMembers(members: readonly Member[], most: number): readonly Member[] {
  const turns = roundLength(members.map(({ weight }) => weight))
  if (turns <= most) return members
  const room = most - members.length
  const { step } = topLevel(members)
  const bounded = (weight: number) => Math.ceil(((weight / step) * room) / turns)
  return members.map(member => ({ ...member, weight: bounded(member.weight) }))
}

/** Lowered by less than a step, so that the last level of a round is 1. */
function topLevel(members: readonly Member[]): Level {
  const weights = members.map(({ weight }) => weight)
  const step = commonDivisor(weights) || 1
  return { level: highestOf(weights) - (step - 1), step }
}
