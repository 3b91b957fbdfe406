import { type Address, familyOf, parseAddress } from '../address.js'
import { XdplbError } from '../errors.js'
import { Epoll } from './epoll.js'
import { errnos } from './errno.js'
import { domainOf, SOCK_STREAM, SOL_SOCKET, Socket } from './socket.js'
import { encodeSocketAddress } from './socket-address.js'

const IPPROTO_TCP = 6
const SO_REUSEADDR = 2 // <asm-generic/socket.h>

/** Both ends of a connection that is to be. */
export interface Ends {
  readonly address: Address
  readonly port: number
  /** @default what the kernel chooses */
  readonly localAddress?: Address | undefined
  readonly localPort?: number | undefined
}

/** How it ended to try and connect. */
export interface Answer {
  /** As in errno.h; 0: the connection was made, and is closed again. */
  readonly errno: number
  /** False when it was this machine that had no socket, or no such address or port of its own. */
  readonly asked: boolean
}

interface Attempt {
  readonly socket: Socket
  readonly onAnswer: (answer: Answer) => void
}

/**
 * Finds out whether TCP connections can be made, many at a time, and closes those that were. What it takes for each is
 * a descriptor and some 500 bytes; a stream of node:net takes 10 KB, and lives long enough in a failing check to fill
 * the old generation of the heap. It does not keep the process running: who waits for an answer has a timer.
 */
export class Connector implements Disposable {
  readonly #attempts = new Map<number, Attempt>()
  #epoll: Epoll | undefined

  /**
   * @param onAnswer called once, later, unless the returned function has been called before
   * @returns gives it up
   */
  connect(ends: Ends, onAnswer: (answer: Answer) => void): () => void {
    const begun = begin(ends)
    if ('answer' in begun) {
      const later = setImmediate(onAnswer, begun.answer)
      return () => clearImmediate(later)
    }
    const { socket } = begun
    const { fd } = socket
    const attempt = { socket, onAnswer }
    this.#epoll ??= new Epoll(fds => this.#answer(fds))
    this.#epoll.add(fd)
    this.#attempts.set(fd, attempt)
    return () => this.#end(fd, attempt)
  }

  close(): void {
    for (const [fd, attempt] of this.#attempts) this.#end(fd, attempt)
    this.#epoll?.close()
    this.#epoll = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Who hears an answer may give others up, and begin new ones, which get their numbers. */
  #answer(fds: readonly number[]): void {
    const attempts = fds.map(fd => this.#attempts.get(fd))
    for (const [i, fd] of fds.entries()) {
      const attempt = attempts[i]
      if (attempt === undefined || this.#attempts.get(fd) !== attempt) continue
      const errno = attempt.socket.error()
      this.#end(fd, attempt)
      attempt.onAnswer({ errno, asked: true })
    }
  }

  #end(fd: number, attempt: Attempt): void {
    if (this.#attempts.get(fd) !== attempt) return
    this.#attempts.delete(fd)
    attempt.socket.close()
  }
}

/** A socket whose answer is to come; or the answer, when it was there at once. */
function begin(ends: Ends): { socket: Socket } | { answer: Answer } {
  const opened = open(ends)
  if (!(opened instanceof Socket)) return { answer: opened }
  const errno = opened.connect(encodeSocketAddress(ends.address, ends.port))
  if (errno === 0 || errno === errnos.EINPROGRESS) return { socket: opened }
  opened.close()
  return { answer: { errno, asked: true } }
}

function open({ address, localAddress, localPort }: Ends): Socket | Answer {
  const kind = { name: 'tcp', domain: domainOf(address), type: SOCK_STREAM, protocol: IPPROTO_TCP }
  try {
    return new Socket({ ...kind, nonBlocking: true }, socket => {
      if (localAddress === undefined && localPort === undefined) return
      socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
      socket.bind(encodeSocketAddress(localAddress ?? anyOf(address), localPort ?? 0))
    })
  } catch (error) {
    if (!(error instanceof XdplbError) || error.errno === undefined) throw error
    return { errno: error.errno, asked: false }
  }
}

function anyOf(address: Address): Address {
  return parseAddress(familyOf(address) === 4 ? '0.0.0.0' : '::')
}
