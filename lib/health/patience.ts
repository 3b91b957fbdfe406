import { LoopClock } from './loop-clock.js'

/** One for all: ten thousand checks that wait are one timer that beats, and ten thousand that do not. */
const clock = new LoopClock()

/**
 * Calls back when so much time has passed in which the event loop ran. While it stands still no answer can be taken
 * in: such time is not counted, and before the call the loop takes in what has come meanwhile, so that it may still be
 * closed.
 */
export class Patience implements Disposable {
  readonly #onOver: () => void
  readonly #until: number
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined

  constructor(ms: number, onOver: () => void) {
    this.#onOver = onOver
    clock.hold()
    this.#until = clock.ms + ms
    this.#wait(ms)
  }

  close(): void {
    clearImmediate(this.#immediate)
    this.#stop()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#look(), ms)
  }

  #look(): void {
    const leftMs = this.#until - clock.ms
    if (leftMs > 0) this.#wait(leftMs)
    else this.#end()
  }

  #end(): void {
    this.#stop()
    // Timers come before sockets in a turn of the loop, immediates after them.
    this.#immediate = setImmediate(this.#onOver)
  }

  #stop(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    clock.release()
  }
}
