import { root } from './blocks/root.js'
import type { Config } from './model.js'
import { printFields } from './print-block.js'
import { TextWriter } from './writer.js'

export interface PrintOptions {
  /** Stars for passwords; the text is for people then, not for reading back. @default false */
  readonly redact?: boolean
}

/**
 * The configuration as keepalived.conf. Reading it back gives the same configuration; what holds without being said
 * is left out.
 */
export function printConfig(config: Config, { redact = false }: PrintOptions = {}): string {
  const writer = new TextWriter(redact)
  printFields(root, config, undefined, writer)
  return writer.text
}
