/** Long enough to cost nothing, short enough to tell a loop that stands still from one that waits. */
const MAX_STEP_MS = 250
const MIN_STEPS = 4

/**
 * Calls back when so much time has passed in which the event loop ran. While it stands still (somebody computes, the
 * process or the whole machine is stopped) a clock goes on, yet no answer can be taken in: such time is not counted,
 * and before the call the loop takes in what has come meanwhile, so that it may still be closed.
 */
export class Patience implements Disposable {
  readonly #onOver: () => void
  readonly #stepMs: number
  #leftMs: number
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined

  constructor(ms: number, onOver: () => void) {
    this.#onOver = onOver
    this.#leftMs = ms
    this.#stepMs = Math.min(MAX_STEP_MS, ms / MIN_STEPS)
    this.#wait()
  }

  close(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #wait(): void {
    const stepMs = Math.min(this.#stepMs, this.#leftMs)
    const from = performance.now()
    this.#timer = setTimeout(() => {
      // A loop that is merely busy is late by less than a step; of one that stood still only two steps are counted.
      this.#leftMs -= Math.min(performance.now() - from, 2 * stepMs)
      if (this.#leftMs > 0) this.#wait()
      // Timers come before sockets in a turn of the loop, immediates after them.
      else this.#immediate = setImmediate(this.#onOver)
    }, stepMs)
  }
}
