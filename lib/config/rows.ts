import { show } from './check-object.js'
import { boolean, type Codec } from './codec.js'
import type { Place } from './diagnostic.js'
import { missingParameter } from './read-block.js'
import type { Body, Row, Session } from './schema.js'
import type { Statement } from './tree.js'
import type { Word } from './words.js'

/** What rows of every kind may say. */
export interface RowOptions<V, T, O> {
  /** The program does what the keyword says. @default false */
  readonly honoured?: boolean
  /** The value when none is given. */
  readonly default?: V
  /** The same where it follows from other fields or from what surrounds the object. */
  readonly inherit?: (self: Partial<T>, outer: O) => V | undefined
  /** There is no object without it; this is the rest of the message. */
  readonly required?: string
  /** Print it even where it could be left out. @default false */
  readonly always?: boolean | ((self: T) => boolean)
}

export type Keywords = string | readonly string[]

interface ValueOptions<V, T, O> extends RowOptions<V, T, O> {
  /** What the keyword says alone. */
  readonly bare?: V
  /** The value goes on to the end of the line. @default false */
  readonly wholeLine?: boolean
}

/** `keyword WORD`. The last one counts. */
export function value<V, T, O>(
  keywords: Keywords,
  codec: Codec<V>,
  options: ValueOptions<V, T, O> = {},
): Row<V, T, O> {
  const { bare, wholeLine = false } = options
  return {
    ...base(keywords, options, { parameters: wholeLine ? Number.POSITIVE_INFINITY : 1 }),
    read(statements, { session }) {
      warnOfRepeats(statements, session)
      const read = ({ keyword, parameters }: Statement) => {
        const word = wholeLine ? joinWords(parameters) : parameters[0]
        return word === undefined && bare !== undefined
          ? bare
          : readWord(codec, keyword, word, session, 'ignoring')
      }
      return lastOf(statements.map(read))
    },
    check: (given, place, { session }) =>
      given === bare && bare !== undefined ? bare : checkWord(codec, given, place, session),
    print(value, writer) {
      const [keyword = ''] = listOf(keywords)
      if (value === bare) writer.statement(keyword)
      else writer.statement(keyword, codec.secret && writer.redact ? '********' : codec.print(value))
    },
    text: codec.print,
  }
}

/** A word of a head. An unusable one makes the whole block or record unusable. */
export function head<V, T, O>(codec: Codec<V>, options: RowOptions<V, T, O> = {}): Row<V, T, O> {
  return {
    ...value([], codec, options),
    read: ([statement], { session }) =>
      statement && readWord(codec, statement.keyword, statement.parameters[0], session, 'skipping'),
    print() {},
  }
}

/** `keyword` alone: said or not. Its default is false. */
export function flag<T, O>(keywords: Keywords, options: RowOptions<boolean, T, O> = {}): Row<boolean, T, O> {
  return switches(new Map([[true, keywords]]), { default: false, ...options })
}

/** `keyword [on|off]`; the keyword alone says yes. */
export function toggle<T, O>(
  keywords: Keywords,
  options: RowOptions<boolean, T, O> = {},
): Row<boolean, T, O> {
  return value(keywords, boolean, { bare: true, ...options })
}

/** Keywords without parameters, each of which says another value of one field. The last one counts. */
export function switches<V extends string | boolean, T, O>(
  words: ReadonlyMap<V, Keywords>,
  options: RowOptions<V, T, O> = {},
): Row<V, T, O> {
  const meaning = meaningOf(words)
  const values = [
    ...new Set(options.default === undefined ? words.keys() : [...words.keys(), options.default]),
  ]
  return {
    ...base([...meaning.keys()], options),
    read: statements => lastOf(statements.map(({ keyword }) => meaning.get(keyword.text))),
    check: (given, place, { session }) => oneOfValues(values, given, place, session),
    print(value, writer) {
      const [keyword] = listOf(words.get(value) ?? [])
      if (keyword !== undefined) writer.statement(keyword)
    },
  }
}

/** Keywords without parameters, any number of which may be given. */
export function flags<V extends string, T, O>(
  words: readonly V[],
  options: RowOptions<readonly V[], T, O> = {},
): Row<readonly V[], T, O> {
  const given = (names: ReadonlySet<unknown>) => words.filter(word => names.has(word))
  return {
    ...base(words, { default: [], ...options }),
    read: statements => given(new Set(statements.map(({ keyword }) => keyword.text))),
    check: (value, place, scope) => {
      const list = listOfObjects(value, place, scope.session)
      const known = list?.map((item, index) =>
        oneOfValues(words, item, itemPlace(place, index), scope.session),
      )
      return known && given(new Set(known))
    },
    print(value, writer) {
      for (const word of value) writer.statement(word)
    },
  }
}

/** `keyword WORD…`, as often as one likes: a list of all words. Without any usable one it is not given. */
export function words<V, T, O>(
  keyword: string,
  codec: Codec<V>,
  options: RowOptions<readonly V[], T, O> = {},
): Row<readonly V[], T, O> {
  const unlessEmpty = (values: readonly V[] | undefined) => (values?.length === 0 ? undefined : values)
  return {
    ...base(keyword, options, { parameters: Number.POSITIVE_INFINITY }),
    read: (statements, { session }) =>
      unlessEmpty(
        statements.flatMap(({ keyword, parameters }) => {
          if (parameters.length === 0) missingParameter(keyword, keyword, 2, session.report)
          return present(parameters.map(word => readWord(codec, keyword, word, session, 'ignoring')))
        }),
      ),
    check: (given, place, { session }) => unlessEmpty(checkWords(codec, given, place, session)),
    print(values, writer) {
      for (const value of values) writer.statement(keyword, codec.print(value))
    },
  }
}

/** A field that says which kind of object it is in; no keyword sets it. */
export function constant<V extends string, T, O>(kind: V): Row<V, T, O> {
  return switches(new Map<V, Keywords>([[kind, []]]), { default: kind })
}

/** What rows of all kinds have in common. */
export function base<V, T, O>(
  keywords: Keywords,
  options: RowOptions<V, T, O>,
  { parameters = 0, ...block }: { readonly parameters?: number; readonly body?: Body } = {},
) {
  const { honoured = false, required, always = false, inherit, default: value } = options
  return {
    keywords: listOf(keywords).map(name => ({ name, honoured, parameters, ...block })),
    nested: false,
    required,
    always: (self: T) => (typeof always === 'boolean' ? always : always(self)),
    fallback: (self: Partial<T>, outer: O) => inherit?.(self, outer) ?? value,
    text: () => '',
  }
}

export function checkWords<V>(codec: Codec<V>, given: unknown, place: Place, session: Session) {
  const list = listOfObjects(given, place, session)
  return list && present(list.map((item, index) => checkWord(codec, item, itemPlace(place, index), session)))
}

/** The items of a list that a program gave, or undefined for what is none. */
export function listOfObjects(
  given: unknown,
  place: Place,
  { report }: Session,
): readonly unknown[] | undefined {
  if (Array.isArray(given)) return given
  report.error(place, 'invalid-value', `${show(given)}, expected a list`)
  return undefined
}

export function itemPlace(place: Place, index: number): Place {
  return { ...place, file: `${place.file}[${index}]` }
}

export function present<V>(values: readonly (V | undefined)[]): readonly V[] {
  return values.filter(value => value !== undefined)
}

export function warnOfRepeats(statements: readonly Statement[], { report }: Session): void {
  for (const { keyword } of statements.slice(1)) {
    report.warning(keyword, 'duplicate', `${keyword.text} is given again - the last one counts`)
  }
}

export function readWord<V>(
  codec: Codec<V>,
  keyword: Word,
  word: Word | undefined,
  { report }: Session,
  consequence: 'ignoring' | 'skipping',
): V | undefined {
  if (word === undefined) {
    missingParameter(keyword, keyword, 2, report)
    return undefined
  }
  const { value, problem } = codec.parse(word.text)
  if (problem !== undefined && value === undefined) {
    report.error(word, 'invalid-value', `${keyword.text}: ${problem} - ${consequence}`)
  } else if (problem !== undefined) {
    report.warning(word, 'adjusted', `${keyword.text}: ${problem}`)
  }
  return value
}

function checkWord<V>(codec: Codec<V>, given: unknown, place: Place, session: Session): V | undefined {
  const value = codec.accept(given)
  if (value === undefined) refuse(codec.secret ? 'a value' : show(given), codec.expected, place, session)
  return value
}

function oneOfValues<V>(values: readonly V[], given: unknown, place: Place, session: Session): V | undefined {
  const value = values.find(candidate => candidate === given)
  if (value === undefined) refuse(show(given), values.map(show).join(' or '), place, session)
  return value
}

function refuse(found: string, expected: string, place: Place, { report }: Session): void {
  report.error(place, 'invalid-value', `${found}, expected ${expected}`)
}

function meaningOf<V>(words: ReadonlyMap<V, Keywords>): ReadonlyMap<string, V> {
  return new Map(
    [...words].flatMap(([value, keywords]) => listOf(keywords).map(word => [word, value] as const)),
  )
}

function joinWords(words: readonly Word[]): Word | undefined {
  const [first] = words
  return first && { ...first, text: words.map(({ text }) => text).join(' ') }
}

export function listOf(keywords: Keywords): readonly string[] {
  return typeof keywords === 'string' ? [keywords] : keywords
}

function lastOf<V>(values: readonly (V | undefined)[]): V | undefined {
  return values.findLast(value => value !== undefined)
}
