import type { Place } from './diagnostic.js'

/** One word of the language, quotes and escapes undone, and where it stands. */
export interface Word extends Place {
  readonly text: string
}

export interface Split {
  readonly words: readonly Word[]
  /** A quote that no other one closes; the words end before it. */
  readonly openQuote?: Place
}

/**
 * The words of a logical line that begins at `start`: split at blanks, `"…"` is one word without escapes and may
 * adjoin others, `\#` and `\!` stand for the character.
 */
export function splitWords(line: string, start: Place): Split {
  const words: Word[] = []
  let at = 0
  while (at < line.length) {
    if (isBlank(line, at)) {
      at++
      continue
    }
    if (line[at] === '"') {
      const close = line.indexOf('"', at + 1)
      if (close < 0) return { words, openQuote: placeAt(start, at) }
      words.push(wordAt(start, at, line.slice(at + 1, close)))
      at = close + 1
    } else {
      let end = at + 1
      while (end < line.length && line[end] !== '"' && !isBlank(line, end)) end++
      words.push(wordAt(start, at, undoEscapes(line.slice(at, end))))
      at = end
    }
  }
  return { words }
}

/**
 * The same for lines that name a script: `'…'` and `"…"` quote, adjoining parts make one word. Backslash and
 * the character after it are kept for {@link splitCommand}.
 */
export function splitScriptWords(line: string, start: Place): Split {
  const { words, openQuote } = splitShell(line, pair => pair)
  const located = words.map(({ text, at }) => wordAt(start, at, text))
  return openQuote === undefined
    ? { words: located }
    : { words: located, openQuote: placeAt(start, openQuote) }
}

/** A command and its arguments, escapes decoded. Undefined for a quote that is not closed. */
export function splitCommand(command: string): readonly string[] | undefined {
  const { words, openQuote } = splitShell(command, decodeEscape)
  return openQuote === undefined ? words.map(({ text }) => text) : undefined
}

/** The text that {@link splitCommand} takes apart into these arguments. It holds no `"`. */
export function joinCommand(argv: readonly string[]): string {
  return argv
    .map(word => {
      if (/^[\w./:=@%+,-]+$/.test(word)) return word
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters need an escape
      if (!/['"\\\x00-\x1f]/.test(word)) return `'${word}'`
      return word.replaceAll(/[^\w./:=@%+,\u0080-\uffff-]/g, encodeEscape)
    })
    .join(' ')
}

/** A word as it is written in a file: in quotes where it would be taken for something else. */
export function quoteWord(text: string): string {
  return text === '' || /[\s{}!#'\\]|^[@$~]|^include/.test(text) ? `"${text}"` : text
}

/** `undo` turns a backslash and what follows it (up to three octal or two hexadecimal digits) into text. */
function splitShell(line: string, undo: (sequence: string) => string) {
  const words: { text: string; readonly at: number }[] = []
  const part = /([ \t-\r]+)|(\\(?:x[\da-f]{1,2}|c.|[0-7]{1,3}|.))|(["'])|[^ \t-\r"'\\]+|\\$/gis
  let inWord = false
  let quote: string | undefined
  let quotedAt = 0
  for (const match of line.matchAll(part)) {
    const [text, blanks, sequence, mark] = match
    if (blanks !== undefined && quote === undefined) {
      inWord = false
      continue
    }
    if (!inWord) words.push({ text: '', at: match.index })
    inWord = true
    const word = words.at(-1)
    if (word === undefined) continue
    if (mark === undefined) word.text += sequence === undefined ? text : undo(sequence)
    else if (quote === undefined) [quote, quotedAt] = [mark, match.index]
    else if (quote === mark) quote = undefined
    else word.text += mark
  }
  return quote === undefined ? { words } : { words: words.slice(0, -1), openQuote: quotedAt }
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

function decodeEscape(sequence: string): string {
  const code = sequence.slice(1)
  if (/^x[\da-f]/i.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
  if (/^c./s.test(code)) return String.fromCharCode(code.charCodeAt(1) & 0x1f)
  if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff)
  return NAMED_ESCAPES[code] ?? code
}

function encodeEscape(character: string): string {
  return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
}

/** Outside quotes `\#` and `\!` stand for the character. */
export function undoEscapes(word: string): string {
  return word.includes('\\') ? word.replaceAll(/\\([#!])/g, '$1') : word
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code === 32 || (code >= 9 && code <= 13)
}

function wordAt({ file, line, column }: Place, offset: number, text: string): Word {
  return { text, file, line, column: column + offset }
}

function placeAt({ file, line, column }: Place, offset: number): Place {
  return { file, line, column: column + offset }
}
