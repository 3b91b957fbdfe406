import { type IncomingMessage, request } from 'node:http'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import type { Connection, ConnectionFilter } from '../connection.js'
import type { PacketQuestion, TraceLine, TraceOptions, Whereabouts } from '../decision.js'
import type { ErrorCode } from '../errors.js'
import { XdplbError } from '../errors.js'
import type { BalancerStatus } from '../status.js'
import { httpStatuses, type ProcessStatus } from './protocol.js'
import { encodeConnectionFilter, encodePacketQuestion, encodeTraceOptions } from './query.js'

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

  /** `GET /v1/where`: where a packet would go, and why. */
  where(packet: PacketQuestion): Promise<Whereabouts> {
    return this.#get(`/v1/where?${encodePacketQuestion(packet)}`)
  }

  /** `GET /v1/conns`: one by one, read no faster than they are asked for. */
  connections(filter: ConnectionFilter = {}): AsyncGenerator<Connection> {
    return this.#stream(`/v1/conns?${encodeConnectionFilter(filter)}`)
  }

  /** `GET /v1/trace`: the decisions on packets as they happen, until nobody wants more of them. */
  trace(options: TraceOptions = {}): AsyncGenerator<TraceLine> {
    return this.#stream(`/v1/trace?${encodeTraceOptions(options)}`)
  }

  /** The answer is taken at its word: only the owner of the socket's directory can have put it there. */
  async #get<Answer>(endpoint: string): Promise<Answer> {
    const response = await this.#ask(endpoint)
    const answer = parse(await this.#read(response))
    if (response.statusCode !== 200 || answer === undefined) throw this.#refusal(response, answer)
    const error = errorOf(answer)
    if (error !== undefined) throw error
    return answer
  }

  /** The lines of a stream, which ends early when nobody wants more of them. */
  async *#stream<Line>(endpoint: string): AsyncGenerator<Line> {
    const response = await this.#ask(endpoint)
    if (response.statusCode !== 200) throw this.#refusal(response, parse(await this.#read(response)))
    response.setTimeout(0)
    try {
      for await (const text of createInterface({ input: response })) {
        const line = parse(text)
        const error = errorOf(line)
        if (error !== undefined) throw error
        yield line
      }
      if (!response.complete) throw this.#explain(new Error('the balancer has ended'))
    } finally {
      response.destroy()
    }
  }

  #refusal({ statusCode }: IncomingMessage, answer: unknown): XdplbError {
    const found = `ask balancer: ${this.#path}: HTTP ${statusCode}, expected JSON`
    return errorOf(answer) ?? new XdplbError('SYSCALL', found)
  }

  async #read(response: IncomingMessage): Promise<string> {
    let body = ''
    response.setEncoding('utf8')
    try {
      for await (const text of response) body += text
    } catch (error) {
      throw this.#explain(error instanceof Error ? error : new Error(String(error)))
    }
    return body
  }

  /** Resolves when the answer begins. */
  #ask(path: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const exchange = request({ socketPath: this.#path, path, agent: false, timeout: ANSWER_TIMEOUT_MS })
      exchange.once('response', resolve)
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
