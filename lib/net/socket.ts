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
export const SOCK_RAW = 3
export const SOL_SOCKET = 1
const SOCK_CLOEXEC = 0o2000000
const SOCK_NONBLOCK = 0o4000
const MSG_TRUNC = 0x20

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
    const buffer = Buffer.allocUnsafe(maxSize)
    const size = libc().recv(this.#fd.n, buffer, maxSize, MSG_TRUNC)
    if (size === -1 && koffi().errno() === errnos.EAGAIN) return undefined
    libcOk(size, `receive on ${this.#name}`)
    if (size > maxSize) throw syscallError(errnos.EMSGSIZE, `receive on ${this.#name}: ${size} bytes`)
    return buffer.subarray(0, size)
  }

  close(): void {
    this.#fd.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
