import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  type Answer,
  answer,
  type Controllable,
  type LongObject,
  problem,
  problemOf,
  type Question,
  type Stream,
} from './answer.js'
import { claimSocket } from './claim.js'

/** What one client may cost, milliseconds and bytes. */
const limits = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
}
const MAX_CONNECTIONS = 64

/** HTTP/1.1 with JSON on a UNIX socket: how commands reach a running balancer. Endpoints: lib/control/README.md. */
export class ControlServer implements AsyncDisposable {
  readonly #path: string
  readonly #http: Server
  #target: Controllable | undefined
  #closed: Promise<void> | undefined

  private constructor(path: string) {
    this.#path = path
    this.#http = createServer(limits, (request, response) => {
      void reply(questionOf(request), this.#target, response)
    })
    this.#http.maxConnections = MAX_CONNECTIONS
    this.#http.on('clientError', refuse)
  }

  /**
   * Takes the name of the socket, so that no second balancer of that name starts, and answers `GET /v1` at once.
   * Throws `BUSY` when a living process has it; the message names its process id.
   *
   * @param path as `socketPath()` gives it
   */
  static async listen(path: string): Promise<ControlServer> {
    const server = new ControlServer(path)
    try {
      await claimSocket(path, unnamed => listening(server.#http, unnamed))
    } catch (error) {
      server.#http.close()
      throw error
    }
    return server
  }

  /** From now on every endpoint is answered, by this balancer. */
  serve(target: Controllable): void {
    this.#target = target
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    // The name goes first: a successor takes a socket that refuses for stale, and gives the name to its own.
    await rm(this.#path, { force: true })
    const ended = new Promise<void>(resolve => this.#http.close(() => resolve()))
    this.#http.closeAllConnections()
    await ended
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function questionOf({ method = '', url = '', headers }: IncomingMessage): Question {
  const hasBody = (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined
  return { method, url, hasBody }
}

async function reply(
  question: Question,
  target: Controllable | undefined,
  response: ServerResponse,
): Promise<void> {
  const found = await answer(question, target)
  if ('lines' in found) {
    await send('application/x-ndjson', linesText(whileOpen(found.lines, response)), response)
  } else if ('elements' in found) {
    const elements = whileOpen(found.elements, response)
    await send('application/json', objectText({ ...found, elements }), response)
  } else {
    give(found, response)
  }
}

function give({ status, headers, body }: Answer, response: ServerResponse): void {
  response.writeHead(status, { ...headers, ...headersOf('application/json') })
  response.end(text(body))
}

/** As fast as the client reads, and no longer than it stays. */
async function send(type: string, texts: AsyncIterable<string>, response: ServerResponse): Promise<void> {
  response.writeHead(200, headersOf(type))
  response.flushHeaders()
  try {
    await pipeline(Readable.from(texts), response)
  } catch {
    response.destroy() // the client has gone
  }
}

/** Ends when the client has gone, also while there is nothing to send. */
async function* whileOpen<Some>(source: AsyncIterable<Some>, response: ServerResponse): AsyncGenerator<Some> {
  for await (const some of source) {
    if (response.destroyed) return
    yield some
  }
}

/** An error on the way is the last line. */
async function* linesText(lines: Stream['lines']): AsyncGenerator<string> {
  try {
    for await (const some of lines) if (some.length > 0) yield some.map(text).join('')
  } catch (error) {
    yield text(problemOf(error).body)
  }
}

/** An error on the way is the last property. */
async function* objectText({ properties, list, elements }: LongObject): AsyncGenerator<string> {
  yield JSON.stringify({ ...properties, [list]: [] }).slice(0, -2)
  let comma = ''
  try {
    for await (const some of elements) {
      if (some.length === 0) continue
      yield comma + JSON.stringify(some).slice(1, -1)
      comma = ','
    }
    yield ']}\n'
  } catch (error) {
    yield `],${text(problemOf(error).body).slice(1)}`
  }
}

function headersOf(type: string) {
  return { 'content-type': type, 'cache-control': 'no-store' }
}

/** Answers what is not HTTP, too large or too slow; by now there is no request to answer to. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) return
  const statuses: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }
  const { status, body }: Answer = problem(
    statuses[error.code ?? ''] ?? 400,
    'USAGE',
    `read request: ${error.message}`,
  )
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json',
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text(body)}`)
}

function text(body: unknown): string {
  return `${JSON.stringify(body)}\n`
}
