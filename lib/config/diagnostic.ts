/**
 * Where something was said. `line` and `column` count from 1, columns in UTF-16 units as editors do. Of a
 * configuration written in code, `file` is the path of the option (`virtualServers[0].port`) and both are 0.
 */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** `error`: what was said is not understood or cannot be done, and is left out. `warning`: done differently. */
export type Severity = 'error' | 'warning'

/** What kind of thing is wrong, in a word that programs may match on; stable from release to release. */
export type DiagnosticCode =
  | 'adjusted' // another value is used than was said, as keepalived would
  | 'braces' // blocks that do not open or close
  | 'conflict' // two things that cannot both hold
  | 'duplicate' // said twice
  | 'extra-words' // words after the last that counts
  | 'include' // a file that cannot be included
  | 'incomplete' // something is missing in a block
  | 'invalid-value' // not a number, address, name…, or out of its range
  | 'lexical' // a line that cannot be taken apart
  | 'missing-parameter' // a keyword without its value
  | 'not-honoured' // known to keepalived, without effect here yet
  | 'not-run' // a service that is left out as a whole
  | 'unknown-keyword'

export interface Diagnostic extends Place {
  readonly severity: Severity
  readonly code: DiagnosticCode
  /** One line. Never holds a password. */
  readonly message: string
  /** What to do about it. */
  readonly hint?: string
}

/** `file:line:column: severity: message; hint`. */
export function formatDiagnostic({ file, line, column, severity, message, hint }: Diagnostic): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`
  return `${place}: ${severity}: ${message}${hint === undefined ? '' : `; ${hint}`}`
}

/** Collects diagnostics. The same thing about the same place is kept once. */
export class Report {
  readonly #diagnostics = new Map<string, Diagnostic>()

  error(place: Place, code: DiagnosticCode, message: string, hint?: string): void {
    this.#add(place, 'error', code, message, hint)
  }

  warning(place: Place, code: DiagnosticCode, message: string, hint?: string): void {
    this.#add(place, 'warning', code, message, hint)
  }

  /** In the order of the text: files as they were first met, then by line and column. */
  diagnostics(): readonly Diagnostic[] {
    const all = [...this.#diagnostics.values()]
    const files = [...new Set(all.map(({ file }) => file))]
    const rank = new Map(files.map((file, index) => [file, index]))
    return all.sort(
      (a, b) => (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
    )
  }

  #add(
    { file, line, column }: Place,
    severity: Severity,
    code: DiagnosticCode,
    message: string,
    hint?: string,
  ) {
    const diagnostic = {
      file,
      line,
      column,
      severity,
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
    }
    this.#diagnostics.set(JSON.stringify([file, line, column, severity, message]), diagnostic)
  }
}
