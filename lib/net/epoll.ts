import { libc, libcOk } from './libc.js'
import { EPOLL_CTL_ADD, openEpoll, type Watch, watch } from './poll.js'

// <sys/epoll.h>
const EPOLLOUT = 0x4
const EPOLLONESHOT = 1 << 30

/** `struct epoll_event` is packed where it was first defined: include/uapi/linux/eventpoll.h. */
const layout = process.arch === 'x64' ? { size: 12, data: 4 } : { size: 16, data: 8 }

/** So many in one call of the kernel. */
const MOST_EVENTS = 64

/**
 * Tells which of many descriptors may be written to, or have an error, with one handle of the event loop for all of
 * them and nothing allocated for each. It does not keep the process running.
 */
export class Epoll implements Disposable {
  readonly #fd = openEpoll()
  readonly #events = Buffer.alloc(MOST_EVENTS * layout.size)
  readonly #event = Buffer.alloc(layout.size)
  readonly #onWritable: (fds: readonly number[]) => void
  readonly #watch: Watch
  #closed = false

  /** @param onWritable called with some of those that are; each is told once, and all that are in one turn of the loop */
  constructor(onWritable: (fds: readonly number[]) => void) {
    this.#onWritable = onWritable
    this.#watch = watch(this.#fd.n, () => this.#tell(), { keepAlive: false })
  }

  /** Until it is told of, or closed, which ends it without a word. */
  add(fd: number): void {
    this.#event.writeUInt32LE(EPOLLOUT | EPOLLONESHOT, 0)
    this.#event.writeInt32LE(fd, layout.data)
    libcOk(libc().epollCtl(this.#fd.n, EPOLL_CTL_ADD, fd, this.#event), `watch descriptor: ${fd}`)
  }

  close(): void {
    this.#closed = true
    this.#watch.close()
    this.#fd.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #tell(): void {
    for (let count = MOST_EVENTS; count === MOST_EVENTS && !this.#closed; ) {
      count = libcOk(libc().epollWait(this.#fd.n, this.#events, MOST_EVENTS, 0), 'wait for descriptors')
      this.#onWritable(this.#told(count))
    }
  }

  #told(count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.#events.readInt32LE(i * layout.size + layout.data))
  }
}
