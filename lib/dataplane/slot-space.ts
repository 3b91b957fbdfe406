import { XdplbError } from '../errors.js'

/** A stretch of the slots that one service's schedule takes up. */
export interface Stretch {
  readonly first: number
  readonly count: number
}

/**
 * Who has which part of the slots. A new stretch is sought behind the one given out last, so that one given back is
 * not written again while a packet on another CPU may still read it.
 */
export class SlotSpace {
  readonly #size: number
  readonly #used = new Map<number, Stretch>()
  #next = 0

  constructor(size: number, used: Iterable<Stretch> = []) {
    this.#size = size
    for (const stretch of used) if (stretch.count > 0) this.#used.set(stretch.first, stretch)
  }

  /** Throws `CONFIG` when no stretch of that length is left. */
  take(count: number): Stretch {
    const first = this.#gap(this.#next, this.#size, count) ?? this.#gap(0, this.#next, count)
    if (first === undefined) {
      throw new XdplbError(
        'CONFIG',
        `schedule: ${count} more places wanted, expected at most ${this.#size} in all`,
      )
    }
    const stretch = { first, count }
    if (count > 0) this.#used.set(first, stretch)
    this.#next = first + count
    return stretch
  }

  /** An empty stretch has no place of its own: another one may begin where it stands. */
  give({ first, count }: Stretch): void {
    if (count > 0) this.#used.delete(first)
  }

  #gap(from: number, to: number, count: number): number | undefined {
    let first = from
    while (first + count <= to) {
      const obstacle = this.#firstUsed(first, first + count)
      if (obstacle === undefined) return first
      first = obstacle.first + obstacle.count
    }
    return undefined
  }

  #firstUsed(from: number, to: number): Stretch | undefined {
    for (const stretch of this.#used.values()) {
      if (stretch.first < to && from < stretch.first + stretch.count) return stretch
    }
    return undefined
  }
}
