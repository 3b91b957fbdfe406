import type { Connection, ConnectionFilter } from '../connection.js'
import type { PacketQuestion, TraceLine, TraceOptions, Whereabouts } from '../decision.js'
import { XdplbError } from '../errors.js'
import type { StatusParts } from '../status.js'
import { type ErrorBody, httpStatuses, type ProcessStatus } from './protocol.js'
import { decodeConnectionFilter, decodePacketQuestion, decodeTraceOptions } from './query.js'

/** What a control socket needs of a balancer. */
export interface Controllable {
  statusInParts(): Promise<StatusParts>
  connections(filter: ConnectionFilter): AsyncIterable<readonly Connection[]>
  where(packet: PacketQuestion): Whereabouts
  trace(options: TraceOptions): AsyncIterable<readonly TraceLine[]>
}

export interface Question {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly hasBody: boolean
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Goes out as JSON. */
  readonly body: unknown
}

/** An answer without an end that is known: lines of JSON, some at a time. */
export interface Stream {
  readonly lines: AsyncIterable<readonly unknown[]>
}

/** One object of JSON whose last property is a list that comes some elements at a time. */
export interface LongObject {
  readonly properties: object
  readonly list: string
  readonly elements: AsyncIterable<readonly unknown[]>
}

/** What `GET` of each path answers. */
const endpoints = new Map<
  string,
  (
    target: Controllable | undefined,
    query: URLSearchParams,
  ) => Stream | { body: unknown } | Promise<LongObject>
>([
  ['/v1', target => ({ body: { pid: process.pid, ready: target !== undefined } satisfies ProcessStatus })],
  ['/v1/status', target => statusOf(running(target))],
  ['/v1/where', (target, query) => ({ body: running(target).where(decodePacketQuestion(query)) })],
  ['/v1/trace', (target, query) => ({ lines: running(target).trace(decodeTraceOptions(query)) })],
  ['/v1/conns', (target, query) => ({ lines: running(target).connections(decodeConnectionFilter(query)) })],
])

async function statusOf(target: Controllable): Promise<LongObject> {
  const { summary, services } = await target.statusInParts()
  return { properties: summary, list: 'services', elements: services }
}

/** @param target undefined while the balancer is still starting */
export async function answer(
  { method, url, hasBody }: Question,
  target: Controllable | undefined,
): Promise<Answer | Stream | LongObject> {
  const [path = '', query = ''] = url.split('?')
  const endpoint = endpoints.get(path)
  if (endpoint === undefined) {
    return problem(
      404,
      'NOT_FOUND',
      `${path}: no such endpoint, expected ${[...endpoints.keys()].join(' or ')}`,
    )
  }
  if (method !== 'GET') {
    return { ...problem(405, 'USAGE', `${path}: ${method}, expected GET`), headers: { allow: 'GET' } }
  }
  if (hasBody) {
    return { ...problem(413, 'USAGE', `${path}: a body, expected none`), headers: { connection: 'close' } }
  }
  try {
    const found = await endpoint(target, new URLSearchParams(query))
    return 'body' in found ? { status: 200, ...found } : found
  } catch (error) {
    return problemOf(error)
  }
}

/** What an error is answered with. */
export function problemOf(error: unknown): Answer {
  if (error instanceof XdplbError) return problem(httpStatuses[error.code], error.code, error.message)
  return problem(500, 'INTERNAL', String(error))
}

export function problem(status: number, code: ErrorBody['error']['code'], message: string): Answer {
  const body: ErrorBody = { error: { code, message } }
  return { status, body }
}

function running(target: Controllable | undefined): Controllable {
  if (target !== undefined) return target
  throw new XdplbError('BUSY', `ask balancer: process ${process.pid} is still starting; try again`)
}
