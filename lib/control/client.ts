import { request } from 'node:http'
import { basename } from 'node:path'
import type { ErrorCode } from '../errors.js'
import { XdplbError } from '../errors.js'
import type { BalancerStatus } from '../status.js'
import { httpStatuses, type ProcessStatus } from './protocol.js'

const ANSWER_TIMEOUT_MS = 5000

/** Asks a running balancer. Each question is a connection of its own, so there is nothing to close. */
export class ControlClient {
  readonly #path: string

  /** @param path as `socketPath()` gives it */
  constructor(path: string) {
    this.#path = path
  }

  /** `GET /v1`. The methods of this class throw `NOT_FOUND` when no balancer runs, and what the balancer throws. */
  process(): Promise<ProcessStatus> {
    return this.#get('/v1')
  }

  /** `GET /v1/status`. `BUSY` while the balancer starts. */
  status(): Promise<BalancerStatus> {
    return this.#get('/v1/status')
  }

  /** The answer is taken at its word: only the owner of the socket's directory can have put it there. */
  async #get<Answer>(endpoint: string): Promise<Answer> {
    const { statusCode, body } = await this.#exchange(endpoint)
    const answer = parse(body)
    if (statusCode === 200 && answer !== undefined) return answer
    throw (
      errorOf(answer) ??
      new XdplbError('SYSCALL', `ask balancer: ${this.#path}: HTTP ${statusCode}, expected JSON`)
    )
  }

  #exchange(path: string): Promise<{ statusCode: number; body: string }> {
    return new Promise((resolve, reject) => {
      const timeout = ANSWER_TIMEOUT_MS
      const exchange = request({ socketPath: this.#path, path, agent: false, timeout }, response => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (text: string) => {
          body += text
        })
        response.once('end', () => resolve({ statusCode: response.statusCode ?? 0, body }))
        response.once('error', error => reject(this.#explain(error)))
      })
      exchange.once('timeout', () =>
        exchange.destroy(new Error(`no answer in ${ANSWER_TIMEOUT_MS / 1000} s`)),
      )
      exchange.once('error', error => reject(this.#explain(error)))
      exchange.end()
    })
  }

  #explain(cause: NodeJS.ErrnoException): XdplbError {
    const details = cause.errno === undefined ? { cause } : { cause, errno: -cause.errno }
    const name = basename(this.#path, '.sock')
    const missing = { ENOENT: 'not found', ECONNREFUSED: 'left behind by a process that died' }[
      cause.code ?? ''
    ]
    if (missing !== undefined) {
      const cure = 'start one with `xdplb run`, or say which with --name and --run-dir'
      const found = `no balancer named ${name} is running (socket ${this.#path}: ${missing})`
      return new XdplbError('NOT_FOUND', `ask balancer: ${found}; ${cure}`, details)
    }
    if (cause.code === 'EACCES') {
      const found = `socket ${this.#path} is not yours, expected the user who runs balancer ${name}`
      return new XdplbError('PERMISSION', `ask balancer: ${found}`, details)
    }
    return new XdplbError('SYSCALL', `ask balancer: ${this.#path}: ${cause.message}`, details)
  }
}

function parse(body: string) {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** The error that an {@link ErrorBody} tells of; undefined for any other answer. */
function errorOf(answer: unknown): XdplbError | undefined {
  const error = propertyOf(answer, 'error')
  const code = propertyOf(error, 'code')
  const message = propertyOf(error, 'message')
  if (typeof message !== 'string') return undefined
  return new XdplbError(isErrorCode(code) ? code : 'SYSCALL', message)
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(httpStatuses, code)
}
