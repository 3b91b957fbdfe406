import type { Place, Report } from './diagnostic.js'
import type { Directive, Preprocessor } from './preprocessor.js'
import { splitScriptWords, splitWords, undoEscapes, type Word } from './words.js'

/** What keepalived takes for a line: one statement or one brace; braces end a line wherever they stand. */
export type LogicalLine = StatementLine | BraceLine<'open'> | BraceLine<'close'> | IncludeLine

export interface StatementLine extends Place {
  /** `skipped`: belongs to the preprocessor; kept because it may open a block. */
  readonly kind: 'statement' | 'skipped'
  /** At least one. */
  readonly words: readonly Word[]
}

export interface BraceLine<K> extends Place {
  readonly kind: K
}

export interface IncludeLine extends Place {
  readonly kind: 'include'
  /** `r`, `m`, `w`, `b`, `a` for `includer` and so on, empty for `include`. */
  readonly variant: string
  readonly pattern: Word
}

/** What is carried from one file to the files that it includes. */
export interface LexerState {
  readonly report: Report
  readonly preprocessor: Preprocessor
}

/** keepalived reads lines into 1024 bytes, of which the line's end and a NUL take two. */
const LONGEST_LINE_BYTES = 1022

/** Keywords whose line is taken apart as a shell would. */
const SCRIPT_KEYWORDS =
  /^(?:notify|quorum_(?:up|down)$|misc_path$|script$|startup_script$|shutdown_script$|regex$)/

/** The logical lines of one file. */
export function lex(text: string, file: string, state: LexerState): LogicalLine[] {
  const lines: LogicalLine[] = []
  const hasMark = text.charCodeAt(0) === 0xfeff
  if (hasMark) {
    const hint = 'keepalived would not know the first keyword'
    state.report.warning({ file, line: 1, column: 1 }, 'lexical', 'a byte order mark is ignored', hint)
  }
  let start = hasMark ? 1 : 0
  for (let line = 1; start < text.length; line++) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    lexLine(text.slice(start, end), { file, line, column: 1 }, state, lines)
    start = end + 1
  }
  return lines
}

function lexLine(
  raw: string,
  place: Place,
  { report, preprocessor }: LexerState,
  lines: LogicalLine[],
): void {
  if (raw.includes('\0')) {
    report.error(place, 'lexical', 'configuration appears to have embedded NULs - ignoring line')
    return
  }
  if (raw.length > LONGEST_LINE_BYTES / 4 && Buffer.byteLength(raw) > LONGEST_LINE_BYTES) {
    report.error(place, 'lexical', `line too long - ignoring; the longest has ${LONGEST_LINE_BYTES} bytes`)
    return
  }
  const code = raw.slice(0, endOfCode(raw)).trimEnd()
  if (code === '') preprocessor.endDefinition()
  let index = 0
  while (index < code.length) {
    index += code.slice(index).search(/\S/)
    const at = { file: place.file, line: place.line, column: place.column + index }
    const rest = code.slice(index)
    const directive = preprocessor.recognise(rest)
    const include = directive === undefined ? includeAt(rest, at) : undefined
    if (directive !== undefined) reportDirective(directive, at, report)
    if (include !== undefined) lines.push(include)
    if (include !== undefined || directive?.wholeLine) return

    const end = nextBrace(directive === undefined ? rest : preprocessor.maskBraces(rest))
    if (end === 0) {
      lines.push({ kind: rest[0] === '{' ? 'open' : 'close', ...at })
    } else {
      const words = wordsAt(rest.slice(0, end), at, report)
      if (words.length > 0)
        lines.push({ kind: directive === undefined ? 'statement' : 'skipped', words, ...at })
    }
    index += Math.max(end, 1)
  }
}

function wordsAt(text: string, at: Place, report: Report): readonly Word[] {
  const plain = splitWords(text, at)
  const isScript = SCRIPT_KEYWORDS.test(plain.words[0]?.text ?? '')
  const { words, openQuote } = isScript ? splitScriptWords(text, at) : plain
  if (openQuote !== undefined) report.error(openQuote, 'lexical', 'Unterminated quote')
  return words
}

/** Where the comment begins: at the first `!` or `#` that is neither in `"…"` nor after a backslash. */
function endOfCode(raw: string): number {
  if (!/[!#]/.test(raw)) return raw.length
  let quoted = false
  for (let at = 0; at < raw.length; at++) {
    const character = raw[at]
    if (character === '\\') at++
    else if (character === '"') quoted = !quoted
    else if (!quoted && (character === '#' || character === '!')) return at
  }
  return raw.length
}

/** The first brace that is not in `"…"`; here a backslash does not count, and an open quote hides the rest. */
function nextBrace(text: string): number {
  const first = text.search(/[{}"]/)
  if (first < 0) return text.length
  if (text[first] !== '"') return first
  const [before = ''] = /^(?:[^{}"]+|"[^"]*")*/.exec(text) ?? []
  return text[before.length] === '"' ? text.length : before.length
}

function includeAt(text: string, at: Place): IncludeLine | undefined {
  if (!text.startsWith('include')) return undefined
  const [start, variant] = /^include([rmwba]?)\s+/.exec(text) ?? []
  if (start === undefined || variant === undefined) return undefined
  const pattern = { ...at, column: at.column + start.length, text: undoEscapes(text.slice(start.length)) }
  return { kind: 'include', variant, pattern, ...at }
}

function reportDirective({ feature }: Directive, at: Place, report: Report): void {
  if (feature === undefined) return
  report.warning(at, 'not-honoured', `${feature} is not honoured yet - ignoring`)
}
