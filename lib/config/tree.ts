import type { Place, Report } from './diagnostic.js'
import type { LogicalLine, StatementLine } from './lexer.js'
import type { Word } from './words.js'

/** A keyword, the words after it, and the block that it opens. */
export interface Statement {
  readonly keyword: Word
  readonly parameters: readonly Word[]
  /** What stands between its braces, if it has any. */
  readonly block?: readonly Statement[]
}

/** What the tree must know of the language: which keywords cannot be without a block. */
export interface Shape {
  /** The shape inside the block of a keyword; undefined when the keyword opens none. */
  opens(keyword: string): Shape | undefined
}

/**
 * Logical lines to nested statements. A `{` belongs to the statement before it, on whatever line. A block that
 * lacks its `{` is taken to begin all the same, as keepalived does.
 */
export function buildTree(lines: Iterable<LogicalLine>, shape: Shape, report: Report): readonly Statement[] {
  const builder = new TreeBuilder(shape, report)
  for (const line of lines) builder.add(line)
  return builder.finish()
}

/** A statement while its block may still follow. */
interface OpenStatement extends Statement {
  block?: Statement[]
}

interface Level {
  readonly statements: Statement[]
  /** Undefined inside blocks that are skipped. */
  readonly shape: Shape | undefined
  readonly opener: Place
  /** The statement that a `{` would belong to. */
  last?: OpenStatement
}

class TreeBuilder {
  readonly #report: Report
  readonly #outer: Level[] = []
  #level: Level

  constructor(shape: Shape, report: Report) {
    this.#report = report
    this.#level = { statements: [], shape, opener: { file: '', line: 0, column: 0 } }
  }

  add(line: LogicalLine): void {
    if (line.kind === 'open') this.#open(line)
    else if (line.kind === 'close') this.#close(line)
    else if (line.kind !== 'include') this.#statement(line)
    else this.#report.error(line, 'include', 'include: this text was read without a place in the file system')
  }

  finish(): readonly Statement[] {
    this.#openMissing()
    const missing = this.#outer.length
    if (missing > 0) {
      const { line } = this.#level.opener
      const message = `There are ${missing} missing '}'s or extra '{'s`
      this.#report.error(this.#level.opener, 'braces', message, `the block of line ${line} is not closed`)
    }
    return (this.#outer[0] ?? this.#level).statements
  }

  #statement({ kind, words: [keyword, ...parameters] }: StatementLine): void {
    if (keyword === undefined) return
    this.#openMissing()
    const statement: OpenStatement = { keyword, parameters }
    if (kind === 'statement') this.#level.statements.push(statement)
    this.#level.last = statement
  }

  #open(place: Place): void {
    const { last, shape } = this.#level
    if (last !== undefined && last.block === undefined) {
      this.#enter(last, place)
      return
    }
    if (shape !== undefined) {
      this.#report.error(place, 'braces', "Unexpected '{' - ignoring", 'the block is skipped')
    }
    this.#outer.push(this.#level)
    this.#level = { statements: [], shape: undefined, opener: place }
  }

  #close(place: Place): void {
    this.#openMissing()
    const outer = this.#outer.pop()
    if (outer === undefined) this.#report.error(place, 'braces', "Extra '}' found")
    else this.#level = outer
  }

  #enter(statement: OpenStatement, opener: Place): void {
    statement.block = []
    const shape = this.#level.shape?.opens(statement.keyword.text)
    this.#outer.push(this.#level)
    this.#level = { statements: statement.block, shape, opener }
  }

  /** The last statement needs a block, and none has begun. */
  #openMissing(): void {
    const { last, shape } = this.#level
    if (last === undefined || last.block !== undefined || shape?.opens(last.keyword.text) === undefined)
      return
    const message = `Missing '{' at beginning of configuration block ${last.keyword.text}`
    this.#report.error(last.keyword, 'braces', message)
    this.#enter(last, last.keyword)
  }
}
