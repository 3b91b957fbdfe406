import type { Attempt, Means } from './check.js'
import { type Check, checkers } from './checkers.js'
import { type CheckState, firstDelayMs, initialCheck, stepCheck, type Verdict } from './schedule.js'

/** What a runner tells after each attempt. */
export interface Finding {
  readonly attempt: Attempt
  /** Why the attempt before was no success. */
  readonly lastReason: string
  readonly verdict: Verdict | undefined
}

/** Runs one check again and again, for all the reals that it is a check of. */
export class CheckRunner implements Disposable {
  readonly check: Check
  readonly #means: Means
  readonly #tell: (finding: Finding) => void
  #state: CheckState
  #reason = ''
  #timer: NodeJS.Timeout | undefined
  #cancel: (() => void) | undefined

  constructor(check: Check, means: Means, tell: (finding: Finding) => void) {
    this.check = check
    this.#means = means
    this.#tell = tell
    this.#state = initialCheck(check)
  }

  get state(): CheckState {
    return this.#state
  }

  /** Why the last attempt was no success; empty when it was one. */
  get reason(): string {
    return this.#reason
  }

  /** @param random 0 to 1, for the warm-up */
  start(random: number): void {
    this.close()
    this.#wait(firstDelayMs(this.check, random))
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#cancel?.()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #wait(delayMs: number): void {
    this.#timer = setTimeout(() => {
      const checker = checkers[this.check.type]
      this.#cancel = checker.attempt(this.check, this.#means, attempt => this.#take(attempt))
    }, delayMs)
  }

  #take(attempt: Attempt): void {
    const { state, delayMs, verdict } = stepCheck(this.check, this.#state, attempt.outcome)
    const lastReason = this.#reason
    this.#state = state
    this.#reason = attempt.reason
    this.#wait(delayMs) // before telling, for a listener may close
    this.#tell({ attempt, lastReason, verdict })
  }
}
