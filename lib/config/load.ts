import { configError } from './define.js'
import { Report } from './diagnostic.js'
import { Includer } from './include.js'
import type { LogicalLine } from './lexer.js'
import type { Config } from './model.js'
import { type ParseResult, parseLines } from './parse.js'
import { Preprocessor } from './preprocessor.js'
import { runnableServices } from './runnable.js'

/**
 * Reads keepalived.conf, several files as one in their order, with what they include. Throws `NOT_FOUND` or
 * `PERMISSION` for a file that cannot be read; all else is in the diagnostics.
 */
export async function readConfig(paths: string | readonly string[]): Promise<ParseResult> {
  const report = new Report()
  const includer = new Includer({ report, preprocessor: new Preprocessor() })
  const lines: LogicalLine[] = []
  for (const path of [paths].flat()) for (const line of await includer.read(path)) lines.push(line)
  return parseLines(lines, report)
}

/**
 * The same for programs that want something to run. Throws `CONFIG` with all errors when these leave nothing; what
 * is left runs otherwise, as with keepalived.
 */
export async function loadConfig(paths: string | readonly string[]): Promise<Config> {
  const { config, diagnostics } = await readConfig(paths)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const isEmpty = runnableServices(config).length === 0 && config.vrrpInstances.length === 0
  if (isEmpty && errors.length > 0) throw configError('load configuration', errors)
  return config
}
