import type { LoadedProgram } from './load.js'

/** Buckets looked at in one go: half a millisecond when all of them are full. */
export const SLICE = 2048
/** How long a walk over all buckets takes at least; flows are known to have ended this much later at most. */
const ROUND_MS = 1000
/** Between two slices at least: so that large tables take a longer walk, and not all of a CPU. */
const PAUSE_MS = 10

/** Walks over the tables, slice by slice, and has the program free what has expired: bpf/sweep.h. */
export class Sweeper implements Disposable {
  readonly #loaded: LoadedProgram
  readonly #onRound: (named: Uint8Array) => void
  readonly #timer: NodeJS.Timeout
  readonly #buckets: number
  #next = 0

  /** @param onRound called after each round with a byte by real id: 1 if a flow or template named it */
  constructor(loaded: LoadedProgram, onRound: (named: Uint8Array) => void) {
    const { flowBuckets, templateBuckets } = loaded.geometry
    this.#loaded = loaded
    this.#onRound = onRound
    this.#buckets = Math.max(flowBuckets, templateBuckets)
    const slices = Math.ceil(this.#buckets / SLICE)
    this.#timer = setInterval(() => this.#sweep(), Math.max(PAUSE_MS, ROUND_MS / slices))
    this.#timer.unref()
    this.#named.fill(0)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  get #named(): Uint8Array {
    return this.#loaded.mapped('named').bytes
  }

  #sweep(): void {
    const count = Math.min(SLICE, this.#buckets - this.#next)
    this.#loaded.sweep(this.#next, count)
    this.#next += count
    if (this.#next < this.#buckets) return
    this.#onRound(this.#named.slice())
    this.#named.fill(0)
    this.#next = 0
  }
}
