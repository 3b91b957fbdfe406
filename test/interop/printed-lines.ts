import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from '../../cli/demo/lab/child.js'

const POLL_MS = 5

/** What a program prints, line by line, and when each was seen: keepalived's own clock shows whole seconds. */
export class PrintedLines implements Disposable {
  readonly #lines: { time: number; text: string }[] = []
  readonly #timer = setInterval(() => this.#note(), POLL_MS)
  #child: Child | undefined
  #read = { stdout: 0, stderr: 0 }

  /** Reads on with another process. */
  follow(child: Child): void {
    this.#note()
    this.#child = child
    this.#read = { stdout: 0, stderr: 0 }
  }

  /** Waits for the first line like this from that moment on. @returns when it was seen */
  async logged(text: RegExp, from = 0): Promise<number> {
    for (;;) {
      this.#note()
      const line = this.#lines.find(line => line.time >= from && text.test(line.text))
      if (line) return line.time
      await sleep(POLL_MS)
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #note(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const printed = this.#child?.[stream] ?? ''
      const end = printed.lastIndexOf('\n') + 1
      const lines = printed.slice(this.#read[stream], end).split(/\r?\n/).filter(Boolean)
      this.#read[stream] = end
      for (const text of lines) this.#lines.push({ time: Date.now(), text })
    }
  }
}
