import type { Template } from './layout.gen.js'
import type { StructArray } from './struct-array.js'
import type { Words } from './words.js'

const INDEX_MASK = 0xffffff
const GENERATION_SHIFT = 24

/** Where `children` stands in `struct template`, in words of 32 bits. */
const CHILDREN_AT = 7
const TEMPLATE_WORDS = 8

/** The persistence templates: words and, at the same index, cold halves. */
export class TemplateTable {
  readonly #words: Words
  readonly #templates: StructArray<Template>
  readonly #numbers: Uint32Array

  /**
   * @param templates the cold halves
   * @param numbers the same memory, for the one field that is counted in place
   */
  constructor(words: Words, templates: StructArray<Template>, numbers: Uint32Array) {
    this.#words = words
    this.#templates = templates
    this.#numbers = numbers
  }

  get length(): number {
    return this.#words.length
  }

  /** The real that a slot's template chose, 0 if there is none. */
  real(index: number): number {
    return this.#words.real(index)
  }

  /** A flow of this template has ended. `ref` as in `struct flow`; 0 and refs to a former holder do nothing. */
  leave(ref: number): void {
    const index = ref & INDEX_MASK
    if (ref === 0 || index >= this.length) return
    const { generation, children } = this.#templates.read(index)
    if (generation !== ref >>> GENERATION_SHIFT || children === 0) return
    Atomics.sub(this.#numbers, index * TEMPLATE_WORDS + CHILDREN_AT, 1)
  }

  /** Frees a slot whose template has run out and has no flows left; false if it lives on. */
  expire(index: number, now: number): boolean {
    const before = this.#words.load(index)
    const { expires, children } = this.#templates.read(index)
    if (children > 0 || ((expires - now) | 0) > 0) return false
    return this.#words.free(index, before)
  }

  count(): number {
    let count = 0
    for (let index = 0; index < this.length; index++) if (this.real(index) !== 0) count++
    return count
  }
}
