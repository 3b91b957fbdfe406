import { EventEmitter } from 'node:events'
import { XdplbError } from '../errors.js'
import { Connector } from '../net/connector.js'
import {
  type Endpoint,
  formatEndpoint,
  formatService,
  keepalivedName,
  keepalivedRealName,
  type ServiceName,
} from '../service.js'
import { Backlog } from './backlog.js'
import type { Means } from './check.js'
import { type Check, checkers } from './checkers.js'
import { Line } from './line.js'
import { CheckRunner, type Finding } from './runner.js'

/** A real of a service, and what it has to pass. */
export interface Target {
  readonly service: ServiceName
  readonly real: Endpoint
  /** It keeps its place with weight 0 when it fails; only the words of the log are different here. */
  readonly inhibitOnFailure: boolean
  /** All must succeed. None: always up. */
  readonly checks: readonly Check[]
}

export interface HealthEvents {
  /** A real has failed, or is back. */
  real: [RealHealthChange]
  /** For the log: what keepalived says too is `info`, and in its words, which tools look for. */
  log: [LogLine]
}

export interface RealHealthChange {
  readonly service: ServiceName
  readonly real: Endpoint
  readonly up: boolean
  /** Which check failed, and why: `TCP_CHECK of 10.0.0.71:80: connection refused`. Empty when up. */
  readonly reason: string
  /** What keepalived's mail says of it: `TCP CHECK failed on service`. */
  readonly cause: string
}

export interface LogLine {
  readonly level: 'info' | 'warn'
  readonly text: string
}

/** What a status says of a real. */
export interface RealHealth {
  readonly service: ServiceName
  readonly real: Endpoint
  readonly up: boolean
  readonly checks: readonly CheckHealth[]
}

export interface CheckHealth {
  readonly type: Check['type']
  readonly up: boolean
  /** False until its first attempt; until then `up` is what the configuration assumes. */
  readonly hasRun: boolean
  /** Why the last attempt was no success; empty when it was one. */
  readonly reason: string
}

interface Real {
  readonly target: Target
  /** As logs name it. */
  readonly name: string
  readonly checks: ReadonlySet<SharedCheck>
  up: boolean
}

interface SharedCheck {
  readonly runner: CheckRunner
  readonly reals: Real[]
}

/**
 * Watches over the health of reals. Equal checks, however many services they stand in, run once for all of them.
 *
 * Costs a timer for each check, and a socket while one runs. A process that stood still judges nobody by the time
 * that it missed.
 */
export class HealthEngine extends EventEmitter<HealthEvents> implements Disposable {
  readonly #random: () => number
  readonly #means: Means
  readonly #reals: readonly Real[]
  readonly #byService = new Map<string, Real[]>()
  /** By what makes checks equal. */
  readonly #checks = new Map<string, SharedCheck>()
  readonly #findings = new Backlog<readonly [SharedCheck, Finding]>(news => this.#take(...news))
  #closed = false

  /**
   * Nothing runs before `start()`; until the first check of a real, `status()` says what is assumed of it.
   *
   * @param options.random what spreads first checks over their warm-up
   * @param options.connector what connections are made with; closed with the engine
   */
  constructor(targets: readonly Target[], options: { random?: () => number; connector?: Connector } = {}) {
    super()
    const { random = Math.random, connector = new Connector() } = options
    this.#random = random
    this.#means = { connector, line: new Line() }
    this.#reals = targets.map(target => this.#realOf(target))
    for (const real of this.#reals) {
      const name = formatService(real.target.service)
      const others = this.#byService.get(name)
      if (others) others.push(real)
      else this.#byService.set(name, [real])
    }
  }

  /** The first check of each comes after a second and a random part of its warm-up. Throws `CLOSED`. */
  start(): void {
    if (this.#closed) throw new XdplbError('CLOSED', 'start health checks: the engine is closed')
    this.#means.line.open()
    for (const { target, name, checks } of this.#reals) {
      const service = keepalivedName(target.service)
      for (const _ of checks) this.#log(`Activating healthchecker for service ${name} for VS ${service}`)
    }
    for (const { runner } of this.#checks.values()) runner.start(this.#random())
  }

  /** @param service as {@link formatService} names it; all of them unless given */
  status(service?: string): readonly RealHealth[] {
    const reals = service === undefined ? this.#reals : (this.#byService.get(service) ?? [])
    return reals.map(({ target: { service, real }, up, checks }) => ({
      service,
      real,
      up,
      checks: Array.from(checks, ({ runner }) => healthOf(runner)),
    }))
  }

  close(): void {
    this.#closed = true
    for (const { runner } of this.#checks.values()) runner.close()
    this.#findings.close()
    this.#means.connector.close()
    this.#means.line.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #realOf(target: Target): Real {
    const checks = new Set(target.checks.map(check => this.#sharedCheck(check)))
    const name = keepalivedRealName(target.real, target.service)
    const real = { target, name, checks, up: isUp(checks) }
    for (const { reals } of checks) reals.push(real)
    return real
  }

  #sharedCheck(check: Check): SharedCheck {
    const key = JSON.stringify(Object.entries(check).sort())
    const known = this.#checks.get(key)
    if (known) return known
    const runner = new CheckRunner(check, this.#means, finding => this.#findings.add([shared, finding]))
    const shared: SharedCheck = { runner, reals: [] }
    this.#checks.set(key, shared)
    return shared
  }

  #take({ runner, reals }: SharedCheck, finding: Finding): void {
    for (const name of new Set(reals.map(real => real.name))) this.#logFinding(runner, finding, name)
    if (finding.verdict?.changed) for (const real of reals) this.#update(real, runner)
  }

  #logFinding({ check, state }: CheckRunner, { attempt, verdict, lastReason }: Finding, name: string): void {
    const checker = checkers[check.type]
    if (verdict) {
      this.#log(verdict.up ? checker.succeeded(name) : checker.failed(name, verdict.retries))
    } else if (attempt.outcome === 'untried' && attempt.reason !== lastReason) {
      this.#log(`${checker.keyword} on service ${name} could not be tried: ${attempt.reason}`, 'warn')
    } else if (attempt.outcome === 'failure' && state.up && check.logAllFailures) {
      this.#log(checker.attemptFailed(name, attempt))
    }
  }

  /** A real is up while none of its checks has failed. */
  #update(real: Real, { check, reason }: CheckRunner): void {
    const up = isUp(real.checks)
    if (up === real.up) return
    real.up = up
    const { target, name } = real
    this.#log(`${formatMove(name, target, up)} VS ${keepalivedName(target.service)}`)
    const { keyword, cause } = checkers[check.type]
    const endpoint = formatEndpoint({ address: check.connectAddress, port: check.connectPort })
    this.emit('real', {
      service: target.service,
      real: target.real,
      up,
      reason: up ? '' : `${keyword} of ${endpoint}: ${reason}`,
      cause: cause(up),
    })
  }

  #log(text: string, level: LogLine['level'] = 'info'): void {
    this.emit('log', { level, text })
  }
}

function isUp(checks: ReadonlySet<SharedCheck>): boolean {
  return [...checks].every(({ runner }) => runner.state.up)
}

function healthOf({ check, state, reason }: CheckRunner): CheckHealth {
  return { type: check.type, up: state.up, hasRun: state.hasRun, reason }
}

function formatMove(name: string, { inhibitOnFailure }: Target, up: boolean): string {
  if (inhibitOnFailure) return `${up ? 'Enabling' : 'Disabling'} service ${name} of`
  return up ? `Adding service ${name} to` : `Removing service ${name} from`
}
