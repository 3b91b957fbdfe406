import { randomBytes } from 'node:crypto'
import { XdplbError } from '../errors.js'
import { Fd } from './fd.js'
import { libc, libcOk } from './libc.js'

const CLONE_NEWNET = 0x40000000
const O_RDONLY_CLOEXEC = 0o2000000

let poolStarted = false

/**
 * Runs `fn` in another network namespace, and comes back also when it throws. Sockets that `fn` opens (also by
 * netlink) and processes that it starts stay there.
 *
 * `fn` is synchronous, for the namespace belongs to the thread: what runs after an `await` runs at home.
 *
 * @param namespace a name as `ip netns` has it, or a path: `/proc/4711/ns/net`
 */
export function inNamespace<T>(namespace: string, fn: () => T): T {
  startThreadPool()
  const path = namespace.includes('/') ? namespace : `/run/netns/${namespace}`
  using home = openNamespace('/proc/thread-self/ns/net')
  using away = openNamespace(path)
  enter(away, path)
  try {
    const result = fn()
    if (result instanceof Promise) {
      throw new XdplbError('USAGE', `run in namespace: ${path}: a promise, expected a synchronous function`)
    }
    return result
  } finally {
    enter(home, 'home')
  }
}

/**
 * A new network namespace that has no name. It goes, with the interfaces in it, when nobody holds it any more: with
 * this object, or with this process however that ends.
 */
export class UnnamedNamespace implements Disposable {
  readonly #fd: Fd

  private constructor(fd: Fd) {
    this.#fd = fd
  }

  /** Needs CAP_SYS_ADMIN. */
  static make(): UnnamedNamespace {
    startThreadPool()
    using home = openNamespace('/proc/thread-self/ns/net')
    libcOk(libc().unshare(CLONE_NEWNET), 'make namespace')
    try {
      return new UnnamedNamespace(openNamespace('/proc/thread-self/ns/net'))
    } finally {
      enter(home, 'home')
    }
  }

  /** Runs a synchronous function in it: `inNamespace`. */
  enter<T>(fn: () => T): T {
    return inNamespace(`/proc/self/fd/${this.#fd.n}`, fn)
  }

  close(): void {
    this.#fd.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function openNamespace(path: string): Fd {
  return new Fd(libcOk(libc().open(path, O_RDONLY_CLOEXEC), `open namespace: ${path}`))
}

function enter(namespace: Fd, path: string): void {
  libcOk(libc().setns(namespace.n, CLONE_NEWNET), `enter namespace: ${path}`)
}

/**
 * A thread is born in the namespace of the thread that makes it. If libuv's pool were first used within `fn`, its
 * threads would resolve names (dns.lookup) in that namespace ever after; so it is used once before.
 */
function startThreadPool(): void {
  if (poolStarted) return
  poolStarted = true
  randomBytes(1, () => {})
}
