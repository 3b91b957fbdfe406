import { XdplbError } from '../errors.js'
import { root } from './blocks/root.js'
import { type Diagnostic, Report } from './diagnostic.js'
import { type LogicalLine, lex } from './lexer.js'
import type { Config } from './model.js'
import { Places } from './places.js'
import { Preprocessor } from './preprocessor.js'
import { readBlock } from './read-block.js'
import { buildTree } from './tree.js'

/** What a text says, and everything that is wrong with it. There is always a configuration, if an empty one. */
export interface ParseResult {
  readonly config: Config
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads keepalived.conf from a text. Never throws. `include` is for {@link readConfig}. */
export function parseConfig(
  text: string,
  { file = 'keepalived.conf' }: { readonly file?: string } = {},
): ParseResult {
  const report = new Report()
  return parseLines(lex(text, file, { report, preprocessor: new Preprocessor() }), report)
}

/** The same for the lines of several files. */
export function parseLines(lines: Iterable<LogicalLine>, report: Report): ParseResult {
  const block = buildTree(lines, root, report)
  const start = { keyword: { text: '', file: '', line: 0, column: 0 }, parameters: [], block }
  const config = readBlock(root, [start], undefined, { report, places: new Places(), muted: false })
  // Cannot be: nothing is required outside blocks.
  if (config === undefined) throw new XdplbError('CONFIG', 'read configuration: nothing came of it')
  return { config, diagnostics: report.diagnostics() }
}
