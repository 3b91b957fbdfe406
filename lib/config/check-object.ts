import { inspect, isDeepStrictEqual } from 'node:util'
import { complete } from './complete.js'
import { Report } from './diagnostic.js'
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
  const { report, muted } = session
  if (!isRecord(input)) {
    report.error(
      optionPlace(path),
      'invalid-value',
      `${block.secret ? 'a value' : show(input)}, expected an object`,
    )
    return undefined
  }
  const placeOf = (name: string) => optionPlace(path === '' ? name : `${path}.${name}`)
  for (const name of Object.keys(input)) {
    if (name in block.fields) continue
    report.error(
      placeOf(name),
      'unknown-keyword',
      'unknown option',
      didYouMean(name, Object.keys(block.fields)),
    )
  }
  return complete(block, optionPlace(path), outer, session, {
    place: key => (input[key] === undefined ? undefined : placeOf(key)),
    value(key, row, scope) {
      const value = row.check(input[key], placeOf(key), scope)
      const isPlain = value === undefined || isDeepStrictEqual(value, row.fallback(scope.self, outer))
      const isHonoured = row.keywords[0]?.honoured ?? true
      if (!isHonoured && !muted && !isPlain) report.warning(placeOf(key), 'not-honoured', 'not honoured yet')
      return value
    },
  })
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
