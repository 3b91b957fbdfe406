/** A line that belongs to keepalived's preprocessor. */
export interface Directive {
  /** What it uses, as messages name it; undefined for a further line of a definition. */
  readonly feature?: string
  /** It takes the line with all braces in it; otherwise one statement, and the block that this opens. */
  readonly wholeLine: boolean
}

/**
 * Recognises what keepalived's preprocessor would act on: `@id`, `$NAME=`, uses of `$NAME`, `~SEQ`, `~LST`. None of
 * it is honoured yet; it is recognised so that such lines are left out with a word, not taken for something else.
 * This is the place where expansion will be done.
 */
export class Preprocessor {
  readonly #defined = new Set<string>()
  #definitionContinues = false

  recognise(line: string): Directive | undefined {
    if (this.#definitionContinues) {
      this.#definitionContinues = line.endsWith('\\')
      return { wholeLine: true }
    }
    if (!/^[@~]|\$/.test(line)) return undefined
    if (line.startsWith('@')) return { feature: '@id', wholeLine: false }
    const [definition, name] = /^\$([A-Za-z_]\w*)=/.exec(line) ?? []
    if (definition !== undefined && name !== undefined) {
      this.#defined.add(name)
      this.#definitionContinues = line.endsWith('\\')
      return { feature: definition, wholeLine: true }
    }
    if (/^~(?:SEQ|LST)/.test(line)) return { feature: line.slice(0, 4), wholeLine: true }
    const use = line.includes('$') ? this.#uses(line)[0] : undefined
    return use === undefined ? undefined : { feature: use, wholeLine: false }
  }

  /** An empty line ends a definition that a backslash continues. */
  endDefinition(): void {
    this.#definitionContinues = false
  }

  /** The line with `(` and `)` for the braces of variables, so that the others can be told. */
  maskBraces(line: string): string {
    return this.#uses(line).reduce(
      (masked, use) => masked.replace(use, use.replace('{', '(').replace('}', ')')),
      line,
    )
  }

  /** `$NAME` before a blank or the end, and `${NAME}`, of names that are defined: others stand for themselves. */
  #uses(line: string): readonly string[] {
    const uses = line.matchAll(/\$(?:\{(_?[A-Za-z]\w*)[^}]*\}|([A-Za-z_]\w*)(?=[\s)]|$))/g)
    return [...uses].filter(([, braced, bare]) => this.#isDefined(braced ?? bare ?? '')).map(([use]) => use)
  }

  #isDefined(name: string): boolean {
    return this.#defined.has(name) || PREDEFINED.has(name)
  }
}

const PREDEFINED: ReadonlySet<string> = new Set(['_PWD', '_INSTANCE', '_RANDOM', '_HASH', '_BANG', '_ENV'])
