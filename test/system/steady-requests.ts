import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Child } from '../../cli/demo/lab/child.js'
import type { Host } from '../../cli/demo/lab/host.js'
import { flags } from '../tools/loader/flags.js'

const PROGRAM = fileURLToPath(new URL('programs/ask.ts', import.meta.url))
const EVERY_MS = 20

/** A request over a connection of its own. Times are those of `Date.now()`. */
export interface SteadyAnswer {
  readonly begun: number
  readonly ended: number
  /** `200`, `timeout`, `ECONNRESET` */
  readonly outcome: string
  /** Who answered; empty when nobody did. */
  readonly by: string
}

/** A client that asks again and again, each time over a new connection. */
export class SteadyRequests {
  readonly #child: Child

  private constructor(child: Child) {
    this.#child = child
  }

  /** Asks from now on; fulfilled when the first is answered. */
  static async begin(client: Host, to: string, from: readonly string[]): Promise<SteadyRequests> {
    const argv = [process.execPath, ...flags, PROGRAM, to, '80', `${EVERY_MS}`, ...from]
    const child = client.spawn(argv)
    await child.printed(/^\d+ \d+ 200 /m)
    return new SteadyRequests(child)
  }

  /** What came of those that are over. */
  get answers(): SteadyAnswer[] {
    const lines = this.#child.stdout.matchAll(/^(?<begun>\d+) (?<ended>\d+) (?<outcome>\S+) ?(?<by>\S*)$/gm)
    return Array.from(lines, ({ groups: { begun = '', ended = '', outcome = '', by = '' } = {} }) => ({
      begun: Number(begun),
      ended: Number(ended),
      outcome,
      by,
    }))
  }

  /** Waits for one that was begun after that moment and answered. */
  async answeredAfter(moment: number): Promise<SteadyAnswer> {
    for (;;) {
      const answer = this.answers.find(({ begun, outcome }) => begun > moment && outcome === '200')
      if (answer) return answer
      await sleep(EVERY_MS)
    }
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}
