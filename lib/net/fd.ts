import { XdplbError } from '../errors.js'
import { libc } from './libc.js'

/** A file descriptor that somebody owns, and that is closed once. */
export class Fd implements Disposable {
  #n: number | undefined

  constructor(n: number) {
    this.#n = n
  }

  /** The number, to ask for at each use and never to store. Throws `CLOSED` after `close()`. */
  get n(): number {
    if (this.#n === undefined) throw new XdplbError('CLOSED', 'file descriptor: used after close')
    return this.#n
  }

  close(): void {
    if (this.#n === undefined) return
    libc().close(this.#n)
    this.#n = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
