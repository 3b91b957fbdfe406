/** What a turn of the event loop may take for this: other work waits no longer than for one check more. */
const TURN_MS = 20

/**
 * Has items seen to as they come; when there are too many for one turn of the event loop, the others in the next ones,
 * in their order. When a network fails, ten thousand checks fail at once.
 */
export class Backlog<Item extends object> implements Disposable {
  readonly #seeTo: (item: Item) => void
  readonly #now: () => number
  #waiting: Item[] = []
  #done = 0
  /** There is one in each turn in which anything was seen to. */
  #nextTurn: NodeJS.Immediate | undefined
  #until = 0

  /** @param now in milliseconds */
  constructor(seeTo: (item: Item) => void, now = () => performance.now()) {
    this.#seeTo = seeTo
    this.#now = now
  }

  add(item: Item): void {
    this.#waiting.push(item)
    if (this.#nextTurn === undefined) this.#begin()
    this.#work()
  }

  /** What waits is forgotten. */
  close(): void {
    clearImmediate(this.#nextTurn)
    this.#nextTurn = undefined
    this.#waiting = []
    this.#done = 0
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #begin(): void {
    this.#until = this.#now() + TURN_MS
    this.#nextTurn = setImmediate(() => {
      this.#nextTurn = undefined
      if (this.#waiting.length === 0) return
      this.#begin()
      this.#work()
    })
  }

  #work(): void {
    while (this.#done < this.#waiting.length && this.#now() < this.#until) {
      const item = this.#waiting[this.#done++]
      if (item !== undefined) this.#seeTo(item)
    }
    if (this.#done < this.#waiting.length) return
    this.#waiting = []
    this.#done = 0
  }
}
