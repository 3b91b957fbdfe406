import { type Template, templateState } from './layout.gen.js'
import type { StructArray } from './struct-array.js'
import type { Words } from './words.js'

const INDEX_MASK = 0xffffff

/** The persistence templates: words and, at the same index, cold halves. */
export class TemplateTable {
  readonly #words: Words
  readonly #templates: StructArray<Template>

  /** @param templates the cold halves */
  constructor(words: Words, templates: StructArray<Template>) {
    this.#words = words
    this.#templates = templates
  }

  get length(): number {
    return this.#words.length
  }

  /** The real that a slot's template chose, 0 if there is none. */
  real(index: number): number {
    return this.#words.real(index)
  }

  /** The cold half of a template. */
  read(index: number): Template {
    return this.#templates.read(index)
  }

  /** Has a flow of its own been confirmed? */
  isAssured(index: number): boolean {
    return this.#words.state(index) === templateState.assured
  }

  /** Ticks until a template runs out; `ref` as in `struct flow`. */
  left(ref: number, now: number): number {
    return (this.#templates.read(ref & INDEX_MASK).expires - now) | 0
  }

  /** How many there are in the slots from `first` to before `end`. */
  count(first = 0, end = this.length): number {
    return this.#words.count(first, Math.min(end, this.length))
  }
}
