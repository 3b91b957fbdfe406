import { complete, type Source } from './complete.js'
import type { Place, Report } from './diagnostic.js'
import type { Block, Session } from './schema.js'
import { didYouMean } from './suggest.js'
import type { Statement } from './tree.js'
import type { Word } from './words.js'

/**
 * The object that the statements of one block say: usually one, several where keepalived lets a block be opened
 * again. Undefined when nothing comes of it, which has been reported then.
 */
export function readBlock<T extends object, O>(
  block: Block<T, O>,
  statements: readonly Statement[],
  outer: O,
  session: Session,
): T | undefined {
  const given: Given<T> = new Map()
  for (const { keyword, parameters, block: body = [] } of statements) {
    if (!readHead(block, keyword, parameters, given, session)) return undefined
    for (const statement of body) take(block, statement, given, session)
  }
  const place = statements[0]?.keyword
  return place && complete(block, place, outer, session, fromStatements(given))
}

/** The object that words on one line say: those of the head, then options with their values. */
export function readRecord<T extends object, O>(
  block: Block<T, O>,
  keyword: Word,
  words: readonly Word[],
  outer: O,
  session: Session,
): T | undefined {
  const { min, max } = block.head
  const firstOption = words.findIndex((word, index) => index >= min && block.find(word.text) !== undefined)
  const headWords = Math.min(max, firstOption < 0 ? max : firstOption)
  const given: Given<T> = new Map()
  if (!readHead(block, keyword, words.slice(0, headWords), given, session)) return undefined
  const surplus = block.keywords.length === 0 ? words[headWords] : undefined
  if (surplus !== undefined) extraWords(keyword, surplus, session.report)
  for (let at = headWords; surplus === undefined && at < words.length; ) {
    const [option, ...rest] = words.slice(at)
    if (option === undefined) break
    const parameters = rest.slice(0, block.find(option.text)?.entry.parameters ?? 0)
    take(block, { keyword: option, parameters }, given, session)
    at += 1 + parameters.length
  }
  return complete(block, words[0] ?? keyword, outer, session, fromStatements(given))
}

type Given<T> = Map<Extract<keyof T, string>, Statement[]>

function fromStatements<T, O>(statements: Given<T>): Source<T, O> {
  const given = new Map<Extract<keyof T, string>, Place>()
  for (const [key, said] of statements) for (const { keyword } of said) given.set(key, keyword)
  return { given, value: (key, row, scope) => row.read(statements.get(key) ?? [], scope) }
}

function readHead<T, O>(
  { head }: Block<T, O>,
  keyword: Word,
  words: readonly Word[],
  given: Given<T>,
  { report }: Session,
): boolean {
  if (words.length < head.min) {
    missingParameter(keyword, words.at(-1) ?? keyword, words.length + 2, report)
    return false
  }
  for (const [key, word] of head.assign(words, report)) {
    given.set(key, [{ keyword: { ...word, text: keyword.text }, parameters: [word] }])
  }
  return true
}

/** One statement inside a block: it goes to its row, or is reported. */
function take<T, O>(block: Block<T, O>, statement: Statement, given: Given<T>, session: Session): void {
  const { keyword, parameters } = statement
  const { report, muted } = session
  const found = block.find(keyword.text)
  if (found === undefined) {
    takeUnread(block, statement, session)
    return
  }
  const { key, entry } = found
  if (!entry.honoured && !muted) notHonoured(keyword, report)
  if (statement.block !== undefined && entry.body === undefined) {
    report.error(keyword, 'braces', `Unexpected '{' after ${keyword.text}`, 'its block is skipped')
  }
  const extra = parameters[entry.parameters]
  if (extra !== undefined) extraWords(keyword, extra, report)
  const before = given.get(key)
  if (before === undefined) given.set(key, [statement])
  else before.push(statement)
}

/** A statement that no field is for: known by name, or not at all. */
function takeUnread<T, O>(block: Block<T, O>, statement: Statement, { report, muted }: Session): void {
  const { keyword, block: body } = statement
  if (!block.unread.has(keyword.text)) {
    unknownKeyword(block, statement, report)
    return
  }
  if (!muted) notHonoured(keyword, report)
  const names = block.unread.get(keyword.text)?.names ?? []
  const known = { keyword: keyword.text, keywords: names, secret: block.secret }
  for (const inner of names.length === 0 ? [] : (body ?? [])) {
    if (!names.includes(inner.keyword.text)) unknownKeyword(known, inner, report)
  }
}

function unknownKeyword(
  { keyword: name, keywords, secret }: Pick<Block<never, never>, 'keyword' | 'keywords' | 'secret'>,
  { keyword, block: body }: Statement,
  report: Report,
): void {
  const what = secret ? 'Unknown keyword' : `Unknown keyword '${keyword.text}'`
  const where = name === '' ? '' : ` in ${name}`
  const fate = body === undefined ? '' : ' - its block is skipped'
  report.error(
    keyword,
    'unknown-keyword',
    what + where + fate,
    secret ? undefined : didYouMean(keyword.text, keywords),
  )
}

export function missingParameter(keyword: Word, after: Word, position: number, report: Report): void {
  const line = `Configuration line starting \`${keyword.text}\``
  const message = `${line} is missing a parameter after keyword \`${after.text}\` at word position ${position}`
  report.error(keyword, 'missing-parameter', message)
}

function notHonoured(keyword: Word, report: Report): void {
  report.warning(keyword, 'not-honoured', `${keyword.text} is not honoured yet`)
}

function extraWords(keyword: Word, extra: Word, report: Report): void {
  report.warning(
    extra,
    'extra-words',
    `more words than ${keyword.text} takes - ignoring the rest of the line`,
  )
}
