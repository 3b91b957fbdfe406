export { defineConfig, type ValidationResult, validateConfig } from './define.js'
export {
  type Diagnostic,
  type DiagnosticCode,
  formatDiagnostic,
  type Place,
  type Severity,
} from './diagnostic.js'
export type { ConfigInput } from './input.js'
export { type KeywordFact, keywordTable } from './keywords.js'
export { loadConfig, readConfig } from './load.js'
export type * from './model.js'
export { type ParseResult, parseConfig } from './parse.js'
export { type PrintOptions, printConfig } from './print.js'
export { neighboursOf, type RunnableService, runnableServices } from './runnable.js'
export { nameOfService } from './service-name.js'
