const CLEAR_LINE = '\r\x1b[K'

/** How far something is that takes a while, on a terminal; nothing elsewhere. */
export class Progress {
  readonly #output: NodeJS.WriteStream

  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }

  /** @param done 0 to 1 */
  show(done: number): void {
    if (this.#output.isTTY) this.#output.write(`${CLEAR_LINE}  … ${Math.floor(done * 100)} %`)
  }

  clear(): void {
    if (this.#output.isTTY) this.#output.write(CLEAR_LINE)
  }
}
