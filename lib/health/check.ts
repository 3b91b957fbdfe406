import type { Connector } from '../net/connector.js'
import type { Line } from './line.js'
import type { Outcome, Schedule } from './schedule.js'

/** What checks of all kinds have. */
export interface CommonCheck extends Schedule {
  /** Forgiven failures are logged too. */
  readonly logAllFailures: boolean
}

/** How one attempt ended. */
export interface Attempt {
  readonly outcome: Outcome
  /** Why it is no success, for operators: `connection refused`. Empty for a success. */
  readonly reason: string
  readonly timedOut: boolean
}

/** What attempts are made with, one for all checks. */
export interface Means {
  readonly connector: Connector
  readonly line: Line
}

/** What a kind of check does and says, in keepalived's words; `name` is the real, `[10.0.0.71]:tcp:80`. */
export interface Checker<C extends CommonCheck> {
  /** The keyword, for operators. */
  readonly keyword: string
  /** Asks once. `done` is called once, later, unless the returned function has been called before. */
  attempt(check: C, means: Means, done: (attempt: Attempt) => void): () => void
  succeeded(name: string): string
  failed(name: string, retries: number): string
  /** A failure that may be forgiven. */
  attemptFailed(name: string, attempt: Attempt): string
  /** In mail. */
  cause(up: boolean): string
}
