import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { XdplbError } from '../errors.js'
import { expandBraces, glob } from './glob.js'
import { type IncludeLine, type LexerState, type LogicalLine, lex } from './lexer.js'

/** More are a mistake: files that include one another many times over. */
const MOST_FILES = 10_000
const MOST_ALTERNATIVES = 1_000

/** Reads files and what they include. The only part of the configuration language that touches the file system. */
export class Includer {
  readonly #state: LexerState
  readonly #mostFiles: number
  #files = 0

  constructor(state: LexerState, mostFiles = MOST_FILES) {
    this.#state = state
    this.#mostFiles = mostFiles
  }

  /** The logical lines of a file and, in their places, of those it includes. Throws for a file it cannot read. */
  async read(file: string): Promise<readonly LogicalLine[]> {
    const text = await readFile(file, 'utf8').catch(cause => {
      throw unreadable(file, cause)
    })
    return this.#lines(file, text, [await realNameOf(file)])
  }

  /** @param chain the real paths of the file and of all that lead to it */
  async #lines(file: string, text: string, chain: readonly string[]): Promise<readonly LogicalLine[]> {
    const lines = lex(text, file, this.#state)
    if (!lines.some(({ kind }) => kind === 'include')) return lines
    const all: LogicalLine[] = []
    for (const line of lines) {
      if (line.kind !== 'include') all.push(line)
      else for (const included of await this.#include(line, chain)) all.push(included)
    }
    return all
  }

  async #include(line: IncludeLine, chain: readonly string[]): Promise<readonly LogicalLine[]> {
    const alternatives = expandBraces(line.pattern.text, MOST_ALTERNATIVES)
    if (alternatives.length === MOST_ALTERNATIVES) {
      this.#state.report.error(line.pattern, 'include', 'more names in braces than anybody means - skipping')
      return []
    }
    const lines: LogicalLine[] = []
    for (const alternative of alternatives) {
      const paths = await glob(alternative, dirname(line.file))
      if (paths.length === 0 && STRICT.wildcard.has(line.variant)) {
        this.#state.report.error(line.pattern, 'include', `No config files matched '${alternative}'.`)
      }
      for (const path of paths) {
        for (const included of await this.#file(path, line, alternatives.length > 1, chain))
          lines.push(included)
      }
    }
    return lines
  }

  async #file(
    path: string,
    { pattern, variant }: IncludeLine,
    isAlternative: boolean,
    chain: readonly string[],
  ): Promise<readonly LogicalLine[]> {
    const { report } = this.#state
    const complain = (strict: ReadonlySet<string>, message: string) => {
      if (strict.has(variant)) report.error(pattern, 'include', message)
      else report.warning(pattern, 'include', message)
    }
    const status = await stat(path).catch(() => undefined)
    if (status === undefined) {
      complain(isAlternative ? STRICT.alternative : STRICT.match, `Config files missing '${path}'.`)
      return []
    }
    if (!status.isFile() || (status.mode & 0o111) !== 0) {
      const message = `Configuration file '${path}' is not a regular non-executable file - skipping`
      complain(STRICT.read, message)
      return []
    }
    const real = await realpath(path)
    if (chain.includes(real) || ++this.#files > this.#mostFiles) {
      const problem = chain.includes(real)
        ? 'includes itself'
        : `is one of more than ${this.#mostFiles} files`
      report.error(pattern, 'include', `Configuration file '${path}' ${problem} - skipping`)
      return []
    }
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) {
      complain(STRICT.read, `Configuration file '${path}' cannot be read - skipping`)
      return []
    }
    return this.#lines(path, text, [...chain, real])
  }
}

/** With which letter behind `include` a fault is an error. Without one it is a warning, or nothing. */
const STRICT = {
  read: new Set(['r', 'm', 'w', 'b', 'a']),
  match: new Set(['m', 'w', 'a']),
  wildcard: new Set(['w', 'a']),
  alternative: new Set(['b', 'a']),
} as const satisfies Record<string, ReadonlySet<string>>

/** A pipe (`check -f <(envsubst …)`) has none, and includes nothing that leads back to it. */
function realNameOf(file: string): Promise<string> {
  return realpath(file).catch(() => file)
}

function unreadable(file: string, cause: unknown): XdplbError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT')
    return new XdplbError('NOT_FOUND', `read configuration: ${file}: no such file`, { cause })
  if (code === 'EACCES')
    return new XdplbError('PERMISSION', `read configuration: ${file}: not allowed`, { cause })
  const found = code === 'EISDIR' ? 'a directory' : code
  return new XdplbError('NOT_FOUND', `read configuration: ${file}: ${found}, expected a file`, { cause })
}
