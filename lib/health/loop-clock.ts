/** Short enough to tell a loop that stands still from one that is merely busy, long enough to cost nothing. */
const BEAT_MS = 100

/**
 * How long the event loop has run. While it stands still (somebody computes, the process or the whole machine is
 * stopped) a clock goes on; this one counts no more than two of its beats of that. It counts while somebody holds it.
 */
export class LoopClock {
  #holders = 0
  #countedMs = 0
  #countedAt = 0
  #beat: NodeJS.Timeout | undefined

  /** Milliseconds; only differences mean something, between `hold()` and `release()`. */
  get ms(): number {
    return this.#countedMs + Math.min(performance.now() - this.#countedAt, 2 * BEAT_MS)
  }

  hold(): void {
    if (this.#holders++ > 0) return
    this.#countedAt = performance.now()
    this.#beat = setInterval(() => this.#count(), BEAT_MS).unref()
  }

  release(): void {
    if (--this.#holders > 0) return
    this.#count()
    clearInterval(this.#beat)
  }

  #count(): void {
    this.#countedMs = this.ms
    this.#countedAt = performance.now()
  }
}
