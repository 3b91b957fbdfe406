import { XdplbError } from '../errors.js'
import { errnoName } from './errno.js'
import { Fd } from './fd.js'
import { koffi } from './koffi.js'
import { libc, libcOk } from './libc.js'

/** Stops watching. Close it before the descriptor it watches. */
export interface Watch extends Disposable {
  close(): void
}

export interface WatchOptions {
  /** May the watch alone keep the process running? @default true */
  keepAlive?: boolean
}

/**
 * The watches in use, by descriptor. They must be held: koffi's poll handle is collected when nobody does, and then
 * silently stops. And libuv must never see two handles on one descriptor.
 */
const watches = new Map<number, Watch>()

const readable = { readable: true }

/**
 * Calls `onReadable` from the event loop whenever the descriptor is readable (level-triggered: read until EAGAIN, or
 * be called again). Throws `BUSY` when it is being watched already, `USAGE` when it is one that epoll does not take.
 */
export function watch(fd: number, onReadable: () => void, options: WatchOptions = {}): Watch {
  if (watches.has(fd)) throw new XdplbError('BUSY', `watch descriptor: ${fd}: is being watched already`)
  checkPollable(fd)
  // koffi 3.3 passes libuv's status first, whatever its types say.
  const onPoll = (status: unknown) => {
    guarded(onReadable)
    // libuv stops when the descriptor had an error to tell (netlink's ENOBUFS), though that is over once it is read.
    if (status !== 0 && watches.get(fd) === watching) handle.start(readable, onPoll)
  }
  const handle = koffi().node.poll(fd, readable, onPoll)
  if (options.keepAlive === false) handle.unref()

  const close = () => {
    if (watches.get(fd) !== watching) return
    watches.delete(fd)
    handle.stop()
    handle.close()
  }
  const watching: Watch = { close, [Symbol.dispose]: close }
  watches.set(fd, watching)
  return watching
}

/** An exception that reaches koffi 3.3 hangs the process; let it be an ordinary uncaught one a moment later. */
function guarded(onReadable: () => void): void {
  try {
    onReadable()
  } catch (error) {
    setImmediate(() => {
      throw error
    })
  }
}

// <sys/epoll.h>
const EPOLL_CLOEXEC = 0o2000000
export const EPOLL_CTL_ADD = 1
const EPOLL_EVENT_MAX_SIZE = 16 // 12 where it is packed (x86)

export function openEpoll(): Fd {
  return new Fd(libcOk(libc().epollCreate(EPOLL_CLOEXEC), 'make an epoll descriptor'))
}

/** koffi 3.3 aborts the whole process when libuv refuses a descriptor, so epoll is asked first. */
function checkPollable(fd: number): void {
  using epoll = openEpoll()
  if (libc().epollCtl(epoll.n, EPOLL_CTL_ADD, fd, new Uint8Array(EPOLL_EVENT_MAX_SIZE)) === 0) return
  const errno = koffi().errno()
  throw new XdplbError(
    'USAGE',
    `watch descriptor: ${fd}: ${errnoName(errno)}, expected one that epoll takes`,
    {
      errno,
    },
  )
}
