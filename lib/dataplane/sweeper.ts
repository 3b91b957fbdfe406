import type { FlowTable } from './flow-table.js'
import { limit } from './layout.gen.js'
import type { TemplateTable } from './template-table.js'

/** Slots looked at in one go: well under a millisecond, so that nothing else waits. */
const SLICE = 65_536
/** How long a walk over all slots takes at least; flows are known to have ended this much later at most. */
const ROUND_MS = 1000

/**
 * Walks over the tables, slice by slice, and frees what has expired. The programs could live without: they take
 * expired slots themselves. It keeps count of a template's flows, and finds out which reals no flow names any more.
 */
export class Sweeper implements Disposable {
  readonly #flows: FlowTable
  readonly #templates: TemplateTable
  readonly #now: () => number
  readonly #onRound: (named: Uint8Array) => void
  readonly #timer: NodeJS.Timeout
  #named = new Uint8Array(limit.reals)
  #next = 0

  /**
   * @param now the present in ticks
   * @param onRound called after each round with a byte by real id: 1 if a flow or template named it
   */
  constructor(
    flows: FlowTable,
    templates: TemplateTable,
    now: () => number,
    onRound: (named: Uint8Array) => void,
  ) {
    this.#flows = flows
    this.#templates = templates
    this.#now = now
    this.#onRound = onRound
    const slices = Math.ceil(flows.length / SLICE)
    this.#timer = setInterval(() => this.#sweep(), Math.max(10, ROUND_MS / slices))
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #sweep(): void {
    const now = this.#now()
    const end = Math.min(this.#next + SLICE, this.#flows.length)
    for (let index = this.#next; index < end; index++) this.#look(index, now)
    this.#next = end
    if (end < this.#flows.length) return
    this.#onRound(this.#named)
    this.#named = new Uint8Array(limit.reals)
    this.#next = 0
  }

  #look(index: number, now: number): void {
    this.#lookAtFlow(index, now)
    if (index < this.#templates.length) this.#lookAtTemplate(index, now)
  }

  #lookAtFlow(index: number, now: number): void {
    const real = this.#flows.real(index)
    if (real === 0) return
    const templateRef = this.#flows.isExpired(index, now) ? this.#flows.expire(index, now) : undefined
    if (templateRef === undefined) this.#named[real] = 1
    else this.#templates.leave(templateRef)
  }

  #lookAtTemplate(index: number, now: number): void {
    const real = this.#templates.real(index)
    if (real !== 0 && !this.#templates.expire(index, now)) this.#named[real] = 1
  }
}
