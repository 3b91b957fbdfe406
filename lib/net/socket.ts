import { type Address, familyOf } from '../address.js'
import { errnos, syscallError } from './errno.js'
import { Fd } from './fd.js'
import { koffi } from './koffi.js'
import { libc, libcOk } from './libc.js'

// <bits/socket.h>
export const AF_INET = 2
export const AF_INET6 = 10
export const AF_NETLINK = 16
export const AF_PACKET = 17
export const SOCK_STREAM = 1
export const SOCK_RAW = 3
export const SOL_SOCKET = 1
const SO_ERROR = 4
const SOCK_CLOEXEC = 0o2000000
const SOCK_NONBLOCK = 0o4000
const MSG_TRUNC = 0x20

/** What `error()` asks with; one for all, for nothing comes between question and answer. */
const int = Buffer.alloc(4)
const intSize = Buffer.alloc(4)

/** The address family that the kernel knows an address by. */
export function domainOf(address: Address): number {
  return familyOf(address) === 4 ? AF_INET : AF_INET6
}

/** What sort of socket to open; the numbers are those of socket(2). */
export interface SocketKind {
  /** For error messages: `netlink`, `packet`. */
  name: string
  domain: number
  type: number
  protocol: number
  /** @default false */
  nonBlocking?: boolean
}

/**
 * A socket of the kinds that node:net and node:dgram do not have. It stays in the network namespace in which it was
 * opened. Errors are `SYSCALL` and its sisters, see `syscallError`.
 */
export class Socket implements Disposable {
  readonly #name: string
  readonly #fd: Fd
  /** What is received comes here first: datagrams are short, and the room for the longest is not. */
  #room = Buffer.alloc(0)

  /** @param prepare sets options, binds; the socket is closed again when that throws */
  constructor(kind: SocketKind, prepare: (socket: Socket) => void = () => {}) {
    const type = kind.type | SOCK_CLOEXEC | (kind.nonBlocking ? SOCK_NONBLOCK : 0)
    this.#name = `${kind.name} socket`
    this.#fd = new Fd(libcOk(libc().socket(kind.domain, type, kind.protocol), `open ${this.#name}`))
    try {
      prepare(this)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** The descriptor's number, for watching it. */
  get fd(): number {
    return this.#fd.n
  }

  /** @param address a `struct sockaddr_*` */
  bind(address: Uint8Array): void {
    libcOk(libc().bind(this.#fd.n, address, address.length), `bind ${this.#name}`)
  }

  /** @param value an `int`, or the bytes of whatever the option takes */
  setOption(level: number, option: number, value: number | Uint8Array): void {
    const bytes = typeof value === 'number' ? new Uint8Array(Int32Array.of(value).buffer) : value
    const rc = libc().setsockopt(this.#fd.n, level, option, bytes, bytes.length)
    libcOk(rc, `set option ${option} of ${this.#name}`)
  }

  /**
   * Begins to connect a socket that does not block: when it is writable, `error()` says how that ended.
   *
   * @param address a `struct sockaddr_*`
   * @returns what the kernel says at once, EINPROGRESS as a rule; 0 when it is connected already
   */
  connect(address: Uint8Array): number {
    return libc().connect(this.#fd.n, address, address.length) === -1 ? koffi().errno() : 0
  }

  /** The error number that waits to be told, and is told once; 0 for none. */
  error(): number {
    intSize.writeUInt32LE(int.length)
    const rc = libc().getsockopt(this.#fd.n, SOL_SOCKET, SO_ERROR, int, intSize)
    libcOk(rc, `ask for the error of ${this.#name}`)
    return int.readInt32LE()
  }

  /** @param to a `struct sockaddr_*` */
  send(data: Uint8Array, to: Uint8Array): void {
    libcOk(libc().sendto(this.#fd.n, data, data.length, 0, to, to.length), `send on ${this.#name}`)
  }

  /**
   * The next datagram; undefined when there is none (not blocking, or the receive timeout is over).
   *
   * @param maxSize in bytes; a larger datagram is an error, never cut
   */
  receive(maxSize: number): Buffer | undefined {
    if (this.#room.length < maxSize) this.#room = Buffer.allocUnsafeSlow(maxSize)
    const size = libc().recv(this.#fd.n, this.#room, maxSize, MSG_TRUNC)
    if (size === -1 && koffi().errno() === errnos.EAGAIN) return undefined
    libcOk(size, `receive on ${this.#name}`)
    if (size > maxSize) throw syscallError(errnos.EMSGSIZE, `receive on ${this.#name}: ${size} bytes`)
    return Buffer.from(this.#room.subarray(0, size))
  }

  close(): void {
    this.#fd.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
