import type { Place, Report } from './diagnostic.js'
import type { Places } from './places.js'
import type { Shape, Statement } from './tree.js'
import type { Word } from './words.js'
import type { Writer } from './writer.js'

/**
 * The language as data. A {@link Block} has one {@link Row} for each field of the object it stands for; the row knows
 * its keywords, bounds and default. Reading a file, checking an object and printing all follow the same rows.
 */
export interface Block<T, O> extends Body {
  readonly keyword: string
  /** In the order in which they are read and printed. */
  readonly fields: Fields<T, O>
  /** The fields by what is done with them, so that no one looks through all. */
  readonly keys: Readonly<Record<'plain' | 'nested' | 'required', readonly Extract<keyof T, string>[]>>
  readonly head: Head<T>
  /** Keywords of keepalived that are known by name only, and those in the blocks that they open. */
  readonly unread: ReadonlyMap<string, UnreadBlock | undefined>
  /** Everything that may stand in the block. */
  readonly keywords: readonly string[]
  /** Unknown words in it may be passwords: they are not repeated in messages. */
  readonly secret: boolean
  /** The row that a line of the block goes to, by its first word. */
  find(keyword: string): Found<T> | undefined
  /** What keepalived checks when the block is complete. Undefined drops it, which has been reported then. */
  settle(value: T, scope: Settling<O>): T | undefined
}

export type Fields<T, O> = { readonly [K in keyof T]-?: Row<NonNullable<T[K]>, T, O> }

export interface Found<T> {
  /** The field that the keyword sets. */
  readonly key: Extract<keyof T, string>
  readonly entry: Keyword
}

/** Every other word in such a block is unknown; without names, its lines are of another kind. */
export interface UnreadBlock {
  readonly names: readonly string[]
}

export interface Keyword {
  readonly name: string
  /** The program does what it says. Otherwise its use gives a warning. */
  readonly honoured: boolean
  /** How many words may follow. */
  readonly parameters: number
  /** What is in its block, when it opens one, or behind it on its line. */
  readonly body?: Body
}

export interface Body extends Shape {
  /** What is known of all keywords in it. */
  facts(): readonly KeywordFact[]
}

/** One line of a table of all keywords. */
export interface KeywordFact {
  /** In which block; empty outside all. */
  readonly block: string
  readonly keyword: string
  /** It is in the {@link Config}. */
  readonly read: boolean
  readonly honoured: boolean
}

/** How one field is said. `T` is the object that has the field, `O` what surrounds it. */
export interface Row<V, T, O> {
  /** All that set it; the first is the one that is printed. None for the words of a head. */
  readonly keywords: readonly Keyword[]
  /** Needs its siblings: it is read when they have their values. */
  readonly nested: boolean
  /** Without it there is no object; this is what is said then. */
  readonly required?: string | undefined
  /** Printed even when it is what the fallback gives. */
  always(self: T): boolean
  /** Its value when it is not given: a default, or what it inherits. */
  fallback(self: Partial<T>, outer: O): V | undefined
  /** From all statements that set it, in their order. Undefined when nothing usable was said. */
  read(statements: readonly Statement[], scope: Scope<T, O>): V | undefined
  /** From an object that a program wrote. */
  check(value: unknown, place: Place, scope: Scope<T, O>): V | undefined
  print(value: V, writer: Writer, self: T, outer: O): void
  /** For the words of a head. */
  text(value: V): string
}

/** The words that follow the keyword of a block, or begin a record on one line. */
export interface Head<T> {
  readonly min: number
  readonly max: number
  /** Which word is for which field. */
  assign(words: readonly Word[], report: Report): readonly (readonly [Extract<keyof T, string>, Word])[]
  /** The words again, from the texts of the fields. */
  join(texts: Readonly<Partial<Record<keyof T, string>>>): readonly string[]
}

export interface Session {
  readonly report: Report
  readonly places: Places
  /** Inside a block that is not honoured as a whole: its keywords need no warnings of their own. */
  readonly muted: boolean
}

export interface Scope<T, O> {
  /** The object as far as it is known. */
  readonly self: Readonly<Partial<T>>
  readonly outer: O
  readonly session: Session
}

export interface Settling<O> {
  readonly outer: O
  readonly report: Report
  readonly places: Places
}

/** An object that is being put together. */
export type Draft<T> = { -readonly [K in keyof T]?: T[K] }

/** One word for each field; the fields after the first `min` may be absent. */
export function positional<T>(min: number, ...keys: readonly Extract<keyof T, string>[]): Head<T> {
  return {
    min,
    max: keys.length,
    assign: words =>
      keys.flatMap((key, index) => {
        const word = words[index]
        return word === undefined ? [] : [[key, word] as const]
      }),
    join: texts => keys.flatMap(key => texts[key] ?? []),
  }
}

export interface BlockOptions<T, O> {
  readonly fields: Fields<T, O>
  readonly head?: Head<T>
  /** Names of {@link Block.unread}, with blanks between. */
  readonly unread?: string
  /** The same for those that open a block, with the names in it; empty when its lines begin with no keyword. */
  readonly unreadBlocks?: Readonly<Record<string, string>>
  readonly secret?: boolean
  /** The field that takes lines which do not begin with a keyword. */
  readonly lines?: Extract<keyof T, string>
  readonly settle?: Block<T, O>['settle']
}

export function defineBlock<T extends object, O>(keyword: string, options: BlockOptions<T, O>): Block<T, O> {
  const { fields, head = positional<T>(0), lines, secret = false, settle = value => value } = options
  const found = new Map<string, Found<T>>()
  const keys: Record<'plain' | 'nested' | 'required', Extract<keyof T, string>[]> = {
    plain: [],
    nested: [],
    required: [],
  }
  for (const key in fields) {
    const { nested, required, keywords } = fields[key]
    keys[nested ? 'nested' : 'plain'].push(key)
    if (required !== undefined) keys.required.push(key)
    for (const entry of keywords) found.set(entry.name, { key, entry })
  }
  const unread = new Map<string, UnreadBlock | undefined>(
    namesIn(options.unread ?? '').map(name => [name, undefined]),
  )
  for (const [name, names] of Object.entries(options.unreadBlocks ?? {}))
    unread.set(name, { names: namesIn(names) })
  return {
    keyword,
    fields,
    keys,
    head,
    unread,
    keywords: [...found.keys(), ...unread.keys()],
    secret,
    settle,
    find: word => found.get(word) ?? (lines && { key: lines, entry: anyLine }),
    facts: () => [
      ...[...found.values()].flatMap(({ entry: { name, honoured, body } }) => [
        { block: keyword, keyword: name, read: true, honoured },
        ...(body?.facts() ?? []).map(fact => ({ ...fact, honoured: fact.honoured && honoured })),
      ]),
      ...[...unread].flatMap(([name, inner]) =>
        [
          { block: keyword, keyword: name },
          ...(inner?.names ?? []).map(word => ({ block: name, keyword: word })),
        ].map(fact => ({ ...fact, read: false, honoured: false })),
      ),
    ],
    opens: word => found.get(word)?.entry.body ?? (unread.get(word) === undefined ? undefined : flat),
  }
}

const anyLine: Keyword = { name: '', honoured: true, parameters: Number.POSITIVE_INFINITY }

/** A block in which nothing needs a block. */
export const flat: Body = { opens: () => undefined, facts: () => [] }

function namesIn(text: string): readonly string[] {
  return text.match(/[^\s]+/g) ?? []
}
