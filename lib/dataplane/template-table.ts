import { TICKS_PER_SECOND } from './clock.js'
import { type Template, templateState } from './layout.gen.js'
import type { StructArray } from './struct-array.js'
import type { Words } from './words.js'

const INDEX_MASK = 0xffffff
const GENERATION_SHIFT = 24

/** Where these stand in `struct template`, in words of 32 bits. */
const EXPIRES_AT = 5
const TIMEOUT_AT = 6
const CHILDREN_AT = 7
const TEMPLATE_WORDS = 8

/** How long, in ticks, a template that has run out is held at a time: 60 s in IPVS (ip_vs_conn.c, expire_later). */
const HELD = 60 * TICKS_PER_SECOND

/** The persistence templates: words and, at the same index, cold halves. */
export class TemplateTable {
  readonly #words: Words
  readonly #templates: StructArray<Template>
  readonly #numbers: Uint32Array

  /**
   * @param templates the cold halves
   * @param numbers the same memory, for the fields that are changed in place
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

  /** A flow of this template has ended. `ref` as in `struct flow`; 0 and refs to a former holder do nothing. */
  leave(ref: number): void {
    const index = ref & INDEX_MASK
    if (ref === 0 || index >= this.length) return
    const { generation, children } = this.#templates.read(index)
    if (generation !== ref >>> GENERATION_SHIFT || children === 0) return
    Atomics.sub(this.#numbers, index * TEMPLATE_WORDS + CHILDREN_AT, 1)
  }

  /** Frees a slot whose template has run out; false if it lives on, as it does by a minute while it has flows. */
  expire(index: number, now: number): boolean {
    const before = this.#words.load(index)
    const { expires, children } = this.#templates.read(index)
    const overdue = (now - expires) | 0
    if (overdue < 0) return false
    if (children === 0) return this.#words.free(index, before)
    this.#numbers[index * TEMPLATE_WORDS + TIMEOUT_AT] = HELD
    this.#numbers[index * TEMPLATE_WORDS + EXPIRES_AT] = expires + HELD * (Math.floor(overdue / HELD) + 1)
    return false
  }

  count(): number {
    let count = 0
    for (let index = 0; index < this.length; index++) if (this.real(index) !== 0) count++
    return count
  }
}
