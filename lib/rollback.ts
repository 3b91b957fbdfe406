/**
 * What is to be undone, last first, when an undertaking of several steps does not get to its end: as DisposableStack
 * does it, which Node.js has from 24 on.
 */
export class Rollback implements Disposable {
  #steps: (() => void)[] = []

  /** It is closed if the rest fails. @returns it */
  own<T extends Disposable>(part: T): T {
    this.add(() => part[Symbol.dispose]())
    return part
  }

  /** This is done if the rest fails. */
  add(step: () => void): void {
    this.#steps.push(step)
  }

  /** All is done, and nothing to be undone any more. */
  commit(): void {
    this.#steps = []
  }

  [Symbol.dispose](): void {
    const step = this.#steps.pop()
    if (step === undefined) return
    try {
      step()
    } finally {
      this[Symbol.dispose]()
    }
  }
}
