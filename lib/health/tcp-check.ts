import { connect } from 'node:net'
import { getSystemErrorMap } from 'node:util'
import type { Address } from '../address.js'
import type { Attempt, Checker, CommonCheck } from './check.js'
import { excuse } from './line.js'
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
const LOCAL_ERRORS = new Set([
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EINVAL',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EPERM',
])

function attempt(check: TcpCheck, done: (attempt: Attempt) => void): () => void {
  const socket = connect({
    host: check.connectAddress,
    port: check.connectPort,
    localAddress: check.bindAddress,
    localPort: check.bindPort,
  })
  const seconds = check.connectTimeoutSeconds
  const patience = new Patience(seconds * 1000, () =>
    end({ outcome: 'failure', reason: `no answer within ${seconds} s`, timedOut: true }),
  )
  const stop = () => {
    patience.close()
    socket.destroy() // with FIN, as nothing has been read that could be unread
  }
  const end = (attempt: Attempt) => {
    stop()
    done(excuse(attempt, check.connectAddress))
  }
  socket.once('connect', () => end(SUCCESS))
  socket.once('error', error => end(judge(error)))
  return stop
}

function judge(error: NodeJS.ErrnoException): Attempt {
  const { code = '', errno = 0, syscall } = error
  const isLocal = syscall === 'bind' || LOCAL_ERRORS.has(code)
  return {
    outcome: isLocal ? 'untried' : 'failure',
    reason: getSystemErrorMap().get(errno)?.[1] ?? error.message,
    timedOut: code === 'ETIMEDOUT',
  }
}
