import { quoteWord } from './words.js'

/** Where printed statements go. */
export interface Writer {
  /** Passwords are replaced. */
  readonly redact: boolean
  statement(...words: readonly string[]): void
  block(words: readonly string[], body: () => void): void
}

/** keepalived.conf as people write it. */
export class TextWriter implements Writer {
  readonly redact: boolean
  #text = ''
  #depth = 0

  constructor(redact: boolean) {
    this.redact = redact
  }

  get text(): string {
    return this.#text
  }

  statement(...words: readonly string[]): void {
    this.#line(words.map(quoteWord).join(' '))
  }

  block(words: readonly string[], body: () => void): void {
    if (this.#depth === 0 && this.#text !== '') this.#text += '\n'
    this.#line([...words.map(quoteWord), '{'].join(' '))
    this.#depth++
    body()
    this.#depth--
    this.#line('}')
  }

  #line(line: string): void {
    this.#text += `${'    '.repeat(this.#depth)}${line}\n`
  }
}

/** All statements behind one another on one line. */
export class RecordWriter implements Writer {
  readonly redact: boolean
  readonly words: string[] = []

  constructor(redact: boolean) {
    this.redact = redact
  }

  statement(...words: readonly string[]): void {
    this.words.push(...words)
  }

  /** Records hold no blocks. */
  block(): void {}
}
