import { inspect, isDeepStrictEqual } from 'node:util'
import { complete } from './complete.js'
import { type Place, Report } from './diagnostic.js'
import { optionPlace, Places } from './places.js'
import type { Block, Session } from './schema.js'
import { didYouMean } from './suggest.js'

/** The object that a program wrote, checked and completed; `path` names it in messages. */
export function checkBlock<T extends object, O>(
  block: Block<T, O>,
  input: unknown,
  path: string,
  outer: O,
  session: Session,
): T | undefined {
  const { report } = session
  if (!isRecord(input)) {
    const found = block.secret ? 'a value' : show(input)
    report.error(optionPlace(path), 'invalid-value', `${found}, expected an object`)
    return undefined
  }
  const placeOf = (name: string) => optionPlace(path === '' ? name : `${path}.${name}`)
  for (const name of Object.keys(input)) {
    if (Object.hasOwn(block.fields, name)) continue
    const hint = didYouMean(name, Object.keys(block.fields))
    report.error(placeOf(name), 'unknown-keyword', 'unknown option', hint)
  }
  const given = new Map<Extract<keyof T, string>, Place>()
  for (const key in block.fields) if (input[key] !== undefined) given.set(key, placeOf(key))
  const object = complete(block, optionPlace(path), outer, session, {
    given,
    value: (key, row, scope) => row.check(input[key], placeOf(key), scope),
  })
  if (object !== undefined && !session.muted) reportUnhonoured(block, object, outer, given, report)
  return object
}

/** What says no more than its default does no harm. */
function reportUnhonoured<T extends object, O>(
  { fields }: Block<T, O>,
  object: T,
  outer: O,
  given: ReadonlyMap<Extract<keyof T, string>, Place>,
  report: Report,
): void {
  for (const [key, place] of given) {
    const isHonoured = fields[key].keywords[0]?.honoured ?? true
    if (isHonoured || isDeepStrictEqual(object[key], fields[key].fallback(object, outer))) continue
    report.warning(place, 'not-honoured', 'not honoured yet')
  }
}

/** The object that a block without any statement stands for. */
export function emptyObject<T extends object, O>(block: Block<T, O>, outer: O): T | undefined {
  return checkBlock(block, {}, '', outer, { report: new Report(), places: new Places(), muted: true })
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value that a program gave, as messages show it. */
export function show(value: unknown): string {
  const text = inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY })
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
