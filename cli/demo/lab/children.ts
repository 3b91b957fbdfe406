import { XdplbError } from '../../../lib/errors.js'
import type { ChildOptions } from './child.js'
import { Child } from './child.js'

/** The processes of a lab. */
export class Children {
  readonly #running = new Set<Child>()
  #closed = false

  /** Throws `CLOSED` when the lab is closed, or closing. */
  start(argv: readonly string[], options?: ChildOptions): Child {
    if (this.#closed) throw new XdplbError('CLOSED', `run: ${argv.join(' ')}: the lab is closed`)
    const child = new Child(argv, options)
    this.#running.add(child)
    void child.exited.then(() => this.#running.delete(child))
    return child
  }

  /** Ends them all, and lets no new one start. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(Array.from(this.#running, child => child.stop()))
  }

  /** The same, for a process that cannot wait any more. */
  kill(): void {
    this.#closed = true
    for (const child of this.#running) child.signal('SIGKILL')
  }
}
