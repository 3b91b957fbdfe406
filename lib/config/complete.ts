import type { Place } from './diagnostic.js'
import type { Block, Draft, Row, Scope, Session } from './schema.js'

/** Where the values of fields come from. */
export interface Source<T, O> {
  /** Which fields were given, and where. */
  readonly given: ReadonlyMap<Extract<keyof T, string>, Place>
  value<K extends Extract<keyof T, string>>(
    key: K,
    row: Row<NonNullable<T[K]>, T, O>,
    scope: Scope<T, O>,
  ): NonNullable<T[K]> | undefined
}

/**
 * Puts an object together: what is given, then what follows from that, then the fields that need the others. Checks
 * that nothing is missing, and what keepalived checks at the end of the block.
 */
export function complete<T extends object, O>(
  block: Block<T, O>,
  place: Place,
  outer: O,
  session: Session,
  source: Source<T, O>,
): T | undefined {
  const self: Draft<T> = {}
  const { report, places } = session
  places.set(self, place, source.given)
  const scope = { self, outer, session }
  for (const [phase, nested] of [
    [block.keys.plain, false],
    [block.keys.nested, true],
  ] as const) {
    for (const key of source.given.keys()) {
      const row = block.fields[key]
      if (row.nested !== nested) continue
      const value = source.value(key, row, scope)
      if (value !== undefined) self[key] = value
      else if (row.keywords.length === 0) return undefined
    }
    for (const key of phase) {
      if (self[key] !== undefined) continue
      const value = block.fields[key].fallback(self, outer)
      if (value !== undefined) self[key] = value
    }
  }
  for (const key of block.keys.required) {
    if (self[key] !== undefined) continue
    const message = `${block.keyword}: ${block.fields[key].required}`
    if (!source.given.has(key)) report.error(place, 'incomplete', message)
    return undefined
  }
  if (!isComplete(block, self)) return undefined
  const settled = block.settle(self, { outer, report, places })
  if (settled !== undefined && settled !== self) places.adopt(settled, self)
  return settled
}

function isComplete<T, O>({ keys }: Block<T, O>, self: Readonly<Partial<T>>): self is T {
  return keys.required.every(key => self[key] !== undefined)
}
