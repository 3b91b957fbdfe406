import type { Place } from './diagnostic.js'
import type { Block, Draft, Row, Scope, Session } from './schema.js'

/** Where the values of fields come from. */
export interface Source<T, O> {
  /** Where the field was given; undefined when it was not. */
  place(key: Extract<keyof T, string>): Place | undefined
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
  places.setObject(self, place)
  for (const nested of [false, true]) {
    for (const key in block.fields) {
      const row = block.fields[key]
      const given = row.nested === nested ? source.place(key) : undefined
      if (given === undefined) continue
      places.setField(self, key, given)
      const value = source.value(key, row, { self, outer, session })
      if (value !== undefined) self[key] = value
      else if (row.keywords.length === 0) return undefined
    }
    for (const key in block.fields) {
      const row = block.fields[key]
      const value = row.nested === nested && self[key] === undefined ? row.fallback(self, outer) : undefined
      if (value !== undefined) self[key] = value
    }
  }
  for (const key in block.fields) {
    const { required } = block.fields[key]
    if (required === undefined || self[key] !== undefined) continue
    if (source.place(key) === undefined) report.error(place, 'incomplete', `${block.keyword}: ${required}`)
    return undefined
  }
  if (!isComplete(block, self)) return undefined
  const settled = block.settle(self, { outer, report, places })
  if (settled !== undefined && settled !== self) places.adopt(settled, self)
  return settled
}

function isComplete<T, O>(block: Block<T, O>, self: Readonly<Partial<T>>): self is T {
  for (const key in block.fields) {
    if (block.fields[key].required !== undefined && self[key] === undefined) return false
  }
  return true
}
