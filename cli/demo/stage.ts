import { XdplbError } from '../../lib/errors.js'
import type { Paint } from '../terminal.js'

const CLEAR_LINE = '\r\x1b[K'
/** What is to be seen comes sooner, on any machine. */
const PATIENCE_MS = 30_000

/** Where the story is told: a terminal, or anything else that takes text. */
export type Screen = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>

/** Tells a story of steps on a terminal, or in plain lines elsewhere, and keeps count of what was seen. */
export class Stage {
  readonly #output: Screen
  readonly #paint: Paint
  #seen = 0
  #missed = 0

  constructor(output: Screen, paint: Paint) {
    this.#output = output
    this.#paint = paint
  }

  /** Everything that was to be seen was. */
  get isWell(): boolean {
    return this.#missed === 0 && this.#seen > 0
  }

  heading(text: string): void {
    this.#line(`\n${this.#paint('bold', text)}`)
  }

  say(text: string): void {
    this.#line(this.#paint('dim', text))
  }

  /** Does something that takes a while, and says so meanwhile. Throws when it takes too long: then it is not to be seen. */
  async doing<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#output.isTTY) this.#output.write(`  … ${what}`)
    const result = await inTime(what, work())
    if (this.#output.isTTY) this.#output.write(CLEAR_LINE)
    return result
  }

  /** Something that the demonstration is to show: was it so? */
  show(what: string, wasSeen: boolean, detail = ''): void {
    if (wasSeen) this.#seen++
    else this.#missed++
    const mark = wasSeen ? this.#paint('green', '✓') : this.#paint('red', '✗')
    this.#line(`  ${mark} ${what}${detail && this.#paint('dim', `  ${detail}`)}`)
  }

  summary(): void {
    const total = this.#seen + this.#missed
    const text = this.isWell
      ? `all ${total} things were seen`
      : `${this.#missed} of ${total} things were not seen`
    this.#line(`\n${this.#paint(this.isWell ? 'green' : 'red', text)}`)
  }

  #line(text: string): void {
    this.#output.write(`${text}\n`)
  }
}

async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    const found = `not done after ${PATIENCE_MS / 1000} s`
    timer = setTimeout(() => reject(new XdplbError('SYSCALL', `demo: ${what}: ${found}`)), PATIENCE_MS)
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
