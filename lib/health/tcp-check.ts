import { getSystemErrorMap } from 'node:util'
import type { Address } from '../address.js'
import type { Answer } from '../net/connector.js'
import { errnoName, errnos } from '../net/errno.js'
import type { Attempt, Checker, CommonCheck, Means } from './check.js'
import { Patience } from './patience.js'

/** `TCP_CHECK`: healthy is who accepts a connection. */
export interface TcpCheck extends CommonCheck {
  readonly type: 'tcp'
  readonly connectAddress: Address
  readonly connectPort: number
  readonly bindAddress?: Address
  readonly bindPort?: number
  readonly connectTimeoutSeconds: number
}

export const tcpChecker: Checker<TcpCheck> = {
  keyword: 'TCP_CHECK',
  attempt,
  succeeded: name => `TCP connection to ${name} success.`,
  failed: (name, retries) =>
    `TCP_CHECK on service ${name} failed${retries > 0 ? ` after ${retries} retries` : ''}.`,
  attemptFailed: (name, { timedOut }) => `TCP connection to ${name} ${timedOut ? 'timeout' : 'failed'}.`,
  cause: up => `TCP CHECK ${up ? 'succeed' : 'failed'} on service`,
}

const SUCCESS: Attempt = { outcome: 'success', reason: '', timedOut: false }

/** What connect(2) says when it is this machine that lacks something: an address, a port, a descriptor. */
const localErrors: ReadonlySet<number> = new Set([
  errnos.EADDRNOTAVAIL,
  errnos.EAFNOSUPPORT,
  errnos.EINVAL,
  errnos.EMFILE,
  errnos.ENFILE,
  errnos.ENOBUFS,
  errnos.ENOMEM,
  errnos.EPERM,
])

function attempt(check: TcpCheck, { connector, line }: Means, done: (attempt: Attempt) => void): () => void {
  const seconds = check.connectTimeoutSeconds
  const giveUp = connector.connect(
    {
      address: check.connectAddress,
      port: check.connectPort,
      localAddress: check.bindAddress,
      localPort: check.bindPort,
    },
    answer => end(judge(answer)),
  )
  const patience = new Patience(seconds * 1000, () =>
    end({ outcome: 'failure', reason: `no answer within ${seconds} s`, timedOut: true }),
  )
  const stop = () => {
    patience.close()
    giveUp()
  }
  const end = (attempt: Attempt) => {
    stop()
    done(line.excuse(attempt, check.connectAddress))
  }
  return stop
}

function judge({ errno, asked }: Answer): Attempt {
  if (errno === 0) return SUCCESS
  return {
    outcome: asked && !localErrors.has(errno) ? 'failure' : 'untried',
    reason: phraseOf(errno),
    timedOut: errno === errnos.ETIMEDOUT,
  }
}

/** In libuv's words: `connection refused`. */
function phraseOf(errno: number): string {
  phrases ??= getSystemErrorMap()
  return phrases.get(-errno)?.[1] ?? errnoName(errno)
}

/** Node makes a map of eighty entries each time it is asked for it. */
let phrases: ReturnType<typeof getSystemErrorMap> | undefined
