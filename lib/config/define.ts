import { XdplbError } from '../errors.js'
import { root } from './blocks/root.js'
import { checkBlock } from './check-object.js'
import { type Diagnostic, formatDiagnostic, Report } from './diagnostic.js'
import type { ConfigInput } from './input.js'
import type { Config } from './model.js'
import { Places } from './places.js'

/** `config` is absent when nothing can be made of the input at all. */
export interface ValidationResult {
  readonly config?: Config
  /** `file` is the path of the option, `line` and `column` are 0. */
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * A configuration written in code: defaults are filled in, and the same is checked as of a file. Options that are
 * wrong are left out of the result.
 */
export function validateConfig(input: ConfigInput): ValidationResult {
  const report = new Report()
  const config = checkBlock(root, input, '', undefined, { report, places: new Places(), muted: false })
  const diagnostics = report.diagnostics()
  return config === undefined ? { diagnostics } : { config, diagnostics }
}

/** The same for programs that want it right or not at all. Throws `CONFIG` with all errors, one a line. */
export function defineConfig(input: ConfigInput): Config {
  const { config, diagnostics } = validateConfig(input)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (config === undefined || errors.length > 0) throw configError('define configuration', errors)
  return config
}

export function configError(doing: string, errors: readonly Diagnostic[]): XdplbError {
  const count = `${errors.length} error${errors.length === 1 ? '' : 's'}`
  return new XdplbError('CONFIG', [`${doing}: ${count}`, ...errors.map(formatDiagnostic)].join('\n'))
}
