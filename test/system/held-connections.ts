import { fileURLToPath } from 'node:url'
import type { Child } from '../../cli/demo/lab/child.js'
import type { Host } from '../../cli/demo/lab/host.js'
import { flags } from '../tools/loader/flags.js'

const PROGRAM = fileURLToPath(new URL('programs/hold.ts', import.meta.url))

/** Connections that a client keeps open, to ask on them again and again. */
export class HeldConnections {
  readonly #child: Child
  readonly #count: number
  #rounds = 0

  private constructor(child: Child, count: number) {
    this.#child = child
    this.#count = count
  }

  static async open(
    client: Host,
    to: string,
    count: number,
    from: readonly string[],
  ): Promise<HeldConnections> {
    const argv = [process.execPath, ...flags, PROGRAM, to, '80', `${count}`, ...from]
    const child = client.spawn(argv)
    await child.printed(/^open \d+$/m)
    return new HeldConnections(child, count)
  }

  /** Sends a request on every connection. @returns how many were answered */
  async ask(): Promise<number> {
    this.#rounds++
    this.#child.signal('SIGUSR2')
    const lines = new RegExp(`(?:answered (\\d+) of ${this.#count}\\n[^]*?){${this.#rounds}}`)
    return Number((await this.#child.printed(lines))[1])
  }
}
