import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { XdplbError } from '../../../lib/errors.js'

export interface ChildOptions {
  /** Path of the network namespace to run in. @default the one of this thread */
  readonly namespace?: string
  /** Written to its standard input, which is empty otherwise. */
  readonly input?: string
}

/** A process of the lab, and all that it has printed. It dies with this process, however that ends. */
export class Child {
  readonly #argv: readonly string[]
  readonly #process: ChildProcess
  readonly #printed = { stdout: '', stderr: '' }
  /** It has printed something, or is gone. */
  readonly #news = new EventEmitter<{ news: [] }>()
  #outcome: string | undefined

  /** Fulfilled, never rejected, when the process is gone: `exit 0`, `SIGKILL`. */
  readonly exited: Promise<string>

  constructor(argv: readonly string[], { namespace, input }: ChildOptions = {}) {
    this.#argv = argv
    // Not `ip netns exec`: that mounts a new /sys, which hides the BPF file system.
    const place = namespace === undefined ? [] : ['nsenter', `--net=${namespace}`]
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', ...place, ...argv])
    for (const name of ['stdout', 'stderr'] as const) {
      this.#process[name]?.setEncoding('utf8').on('data', text => {
        this.#printed[name] += text
        this.#news.emit('news')
      })
    }
    this.#process.stdin?.on('error', () => {}) // it did not want to read that
    this.#process.stdin?.end(input)
    this.exited = new Promise(resolve => {
      const end = (outcome: string) => {
        this.#outcome = outcome
        resolve(outcome)
        this.#news.emit('news')
      }
      this.#process.on('error', error => end(error.message))
      this.#process.on('close', (code, signal) => end(signal ?? `exit ${code}`))
    })
  }

  /** Undefined if it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid
  }

  get stdout(): string {
    return this.#printed.stdout
  }

  get stderr(): string {
    return this.#printed.stderr
  }

  /** What it printed, once it has ended well. Throws with its last words if it did not. */
  async output(): Promise<string> {
    if ((await this.exited) !== 'exit 0') throw this.#failure('exit 0')
    return this.stdout
  }

  /** Waits until its output matches, on either stream. Throws with its last words if it ends before. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr)
      if (match !== null) return match
      if (this.#outcome !== undefined) throw this.#failure(`it to print ${pattern}`)
      await once(this.#news, 'news')
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Asks the process to end, makes it end if it takes longer than that, and waits until it is gone. */
  async stop(graceMs = 2000): Promise<void> {
    this.signal('SIGTERM')
    const impatience = setTimeout(() => this.signal('SIGKILL'), graceMs)
    await this.exited
    clearTimeout(impatience)
  }

  #failure(expected: string): XdplbError {
    const words = `${this.stdout}${this.stderr}`.trim()
    const found = `${this.#outcome}, expected ${expected}`
    return new XdplbError('SYSCALL', `run: ${this.#argv.join(' ')}: ${found}${words && `\n${words}`}`)
  }
}
