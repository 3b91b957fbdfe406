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
