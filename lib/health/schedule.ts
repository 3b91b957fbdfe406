/** When a check runs, and what it forgives. */
export interface Schedule {
  /** Failures that are forgiven before the target counts as failed. */
  readonly retry: number
  /** From a forgiven failure to the next attempt. */
  readonly delayBeforeRetrySeconds: number
  /** The first attempt waits for up to so long, so that not all come at once. */
  readonly warmupSeconds: number
  /** From the end of an attempt to the next one. */
  readonly delayLoopSeconds: number
  /** Failed until it has succeeded. */
  readonly alpha: boolean
}

/** What a check holds of its target. */
export interface CheckState {
  readonly up: boolean
  /** Has it ever looked? */
  readonly hasRun: boolean
  /** Failures since the last success. */
  readonly forgiven: number
}

/** How an attempt ended; `untried`: this machine could not even ask, which says nothing of the target. */
export type Outcome = 'success' | 'failure' | 'untried'

/** What is worth saying after an attempt. */
export interface Verdict {
  readonly up: boolean
  /** Was it otherwise before? The first attempt is worth saying also when it confirms. */
  readonly changed: boolean
  /** Forgiven failures before this one. */
  readonly retries: number
}

export interface Step {
  readonly state: CheckState
  /** From the end of this attempt to the next one, milliseconds. */
  readonly delayMs: number
  readonly verdict?: Verdict
}

/** keepalived's BOOTSTRAP_DELAY. */
const START_DELAY_MS = 1000

/** Whoever has not been seen healthy yet is forgiven nothing. */
export function initialCheck({ alpha, retry }: Schedule): CheckState {
  return { up: !alpha, hasRun: false, forgiven: retry }
}

/** From the start to the first attempt, milliseconds. @param random 0 to 1: the part of the warm-up to wait for */
export function firstDelayMs({ warmupSeconds }: Schedule, random: number): number {
  return START_DELAY_MS + random * warmupSeconds * 1000
}

/**
 * What a check holds after an attempt, when the next one is, and what there is to say. As keepalived 2.4 does it: who
 * is up fails with failure number `retry + 1` in a row; who is down comes back with one success.
 */
export function stepCheck(schedule: Schedule, state: CheckState, outcome: Outcome): Step {
  const { up, hasRun, forgiven } = state
  const delayMs = schedule.delayLoopSeconds * 1000
  if (outcome === 'untried') return { state, delayMs }
  if (outcome === 'failure' && up && forgiven < schedule.retry) {
    return { state: { ...state, forgiven: forgiven + 1 }, delayMs: schedule.delayBeforeRetrySeconds * 1000 }
  }
  const next = { up: outcome === 'success', hasRun: true, forgiven: 0 }
  const changed = next.up !== up
  if (hasRun && !changed) return { state: next, delayMs }
  const retries = hasRun && !next.up ? forgiven : 0
  return { state: next, delayMs, verdict: { up: next.up, changed, retries } }
}
