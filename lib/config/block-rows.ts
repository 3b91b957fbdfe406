import { checkBlock } from './check-object.js'
import type { Codec } from './codec.js'
import { optionPlace } from './places.js'
import { printBlock, recordWords } from './print-block.js'
import { readBlock, readRecord } from './read-block.js'
import {
  base,
  checkWords,
  itemPlace,
  type Keywords,
  listOf,
  listOfObjects,
  present,
  type RowOptions,
  readWord,
  warnOfRepeats,
} from './rows.js'
import { type Block, flat, type Row, type Session } from './schema.js'
import type { Statement } from './tree.js'

/** Records stand alone: what surrounds them has nothing to give them. */
export type RecordBlock<T> = Block<T, undefined>

/** `keyword WORD… [option…]`: an object on one line. The last one counts. */
export function record<V extends object, T, O>(
  keywords: Keywords,
  block: RecordBlock<V>,
  options: RowOptions<V, T, O> = {},
): Row<V, T, O> {
  return {
    ...base(keywords, options, { parameters: Number.POSITIVE_INFINITY }),
    read(statements, { session }) {
      warnOfRepeats(statements, session)
      const { keyword, parameters } = statements.at(-1) ?? {}
      return keyword && readRecord(block, keyword, parameters ?? [], undefined, inside(options, session))
    },
    check: (given, place, { session }) =>
      checkBlock(block, given, place.file, undefined, inside(options, session)),
    print(value, writer) {
      const [keyword = ''] = listOf(keywords)
      writer.statement(keyword, ...recordWords(block, value, undefined, writer))
    },
  }
}

/** `keyword WORD… [option…]`, as often as one likes: a list of objects, each on a line of its own. */
export function eachRecord<V extends object, T, O>(
  keyword: string,
  block: RecordBlock<V>,
  options: RowOptions<readonly V[], T, O> = {},
): Row<readonly V[], T, O> {
  return {
    ...base(keyword, { default: [], ...options }, { parameters: Number.POSITIVE_INFINITY }),
    read: (statements, { session }) =>
      present(
        statements.map(({ keyword, parameters }) =>
          readRecord(block, keyword, parameters, undefined, inside(options, session)),
        ),
      ),
    check: (given, place, { session }) =>
      checkList(given, place.file, session, (item, path) =>
        checkBlock(block, item, path, undefined, inside(options, session)),
      ),
    print(values, writer) {
      for (const value of values) writer.statement(keyword, ...recordWords(block, value, undefined, writer))
    },
  }
}

/** `keyword { … }` with a record on every line. Several such blocks add up. */
export function records<V extends object, T, O>(
  keyword: string,
  block: RecordBlock<V>,
  options: RowOptions<readonly V[], T, O> = {},
): Row<readonly V[], T, O> {
  return {
    ...base(keyword, { default: [], ...options }, { body: { ...flat, facts: block.facts } }),
    read: (statements, { session }) =>
      present(
        linesOf(statements, session).map(line =>
          readRecord(
            block,
            { ...line.keyword, text: keyword },
            wordsOf(line),
            undefined,
            inside(options, session),
          ),
        ),
      ),
    check: (given, place, { session }) =>
      checkList(given, place.file, session, (item, path) =>
        checkBlock(block, item, path, undefined, inside(options, session)),
      ),
    print(values, writer) {
      writer.block([keyword], () => {
        for (const value of values) writer.statement(...recordWords(block, value, undefined, writer))
      })
    },
  }
}

/** Lines of the block itself, each of them a record: they begin with no keyword. */
export function lines<V extends object, T, O>(record: RecordBlock<V>): Row<readonly V[], T, O> {
  const inBlock = records(record.keyword, record)
  return {
    ...base([], { default: [] }),
    read: (statements, { session }) =>
      present(
        withoutBlocks(statements, session).map(line =>
          readRecord(record, { ...line.keyword, text: record.keyword }, wordsOf(line), undefined, session),
        ),
      ),
    check: inBlock.check,
    print(values, writer) {
      for (const value of values) writer.statement(...recordWords(record, value, undefined, writer))
    },
  }
}

/** `keyword { … }` whose words, on whatever lines, make a list. */
export function wordBlock<V, T, O>(
  keyword: string,
  codec: Codec<V>,
  options: RowOptions<readonly V[], T, O> = {},
): Row<readonly V[], T, O> {
  return {
    ...base(keyword, { default: [], ...options }, { body: flat }),
    read: (statements, { session }) => {
      const lines = linesOf(statements, session)
      return present(
        lines
          .flatMap(wordsOf)
          .map(word => readWord(codec, { ...word, text: keyword }, word, session, 'skipping')),
      )
    },
    check: (given, place, { session }) => checkWords(codec, given, place, session),
    print(values, writer) {
      writer.block([keyword], () => {
        for (const value of values) writer.statement(codec.print(value))
      })
    },
  }
}

/** What a block needs to know of the objects around it. */
type Surroundings<T, O, I> = (self: Readonly<Partial<T>>, outer: O) => I

/** `keyword { … }`: one object. Opened again, it goes on. */
export function block<V extends object, I, T, O>(
  inner: Block<V, I>,
  surroundings: Surroundings<T, O, I>,
  options: RowOptions<V, T, O> = {},
): Row<V, T, O> {
  return {
    ...blockBase(inner, options),
    read: (statements, { self, outer, session }) =>
      readBlock(inner, statements, surroundings(self, outer), inside(options, session)),
    check: (given, place, { self, outer, session }) =>
      checkBlock(inner, given, place.file, surroundings(self, outer), inside(options, session)),
    print: (value, writer, self, outer) => printBlock(inner, value, surroundings(self, outer), writer),
  }
}

/** `keyword … { … }`, as often as one likes: a list of objects. */
export function blocks<V extends object, I, T, O>(
  inner: Block<V, I>,
  surroundings: Surroundings<T, O, I>,
  options: RowOptions<readonly V[], T, O> = {},
): Row<readonly V[], T, O> {
  return {
    ...blockBase(inner, { default: [], ...options }),
    read: (statements, { self, outer, session }) => {
      const around = surroundings(self, outer)
      return present(
        statements.map(statement => readBlock(inner, [statement], around, inside(options, session))),
      )
    },
    check: (given, place, { self, outer, session }) => {
      const around = surroundings(self, outer)
      return checkList(given, place.file, session, (item, path) =>
        checkBlock(inner, item, path, around, inside(options, session)),
      )
    },
    print(values, writer, self, outer) {
      for (const value of values) printBlock(inner, value, surroundings(self, outer), writer)
    },
  }
}

export function checkList<V>(
  given: unknown,
  path: string,
  session: Session,
  check: (item: unknown, path: string) => V | undefined,
): readonly V[] | undefined {
  const place = optionPlace(path)
  const items = listOfObjects(given, place, session)
  return items && present(items.map((item, index) => check(item, itemPlace(place, index).file)))
}

/** What is not honoured as a whole has given its one warning. */
export function inside({ honoured = false }: { readonly honoured?: boolean }, session: Session): Session {
  return honoured ? session : { ...session, muted: true }
}

function blockBase<V, T, O, B extends object, I>(inner: Block<B, I>, options: RowOptions<V, T, O>) {
  return { ...base(inner.keyword, options, { parameters: inner.head.max, body: inner }), nested: true }
}

/** The lines of blocks that hold no statements. */
function linesOf(statements: readonly Statement[], session: Session): readonly Statement[] {
  return withoutBlocks(
    statements.flatMap(({ block = [] }) => block),
    session,
  )
}

function withoutBlocks(lines: readonly Statement[], { report }: Session): readonly Statement[] {
  for (const { keyword, block } of lines) {
    if (block !== undefined) report.error(keyword, 'braces', "Unexpected '{'", 'its block is skipped')
  }
  return lines
}

function wordsOf({ keyword, parameters }: Statement) {
  return [keyword, ...parameters]
}
