import type { Instance } from './instance.js'

/** Something to log. What keepalived says too is said in its words, which tools look for, and is `info`. */
export interface LogLine {
  readonly level: 'info' | 'warn'
  readonly text: string
}

export function logLine({ name }: Instance, text: string, level: LogLine['level'] = 'info'): LogLine {
  return { level, text: `(${name}) ${text}` }
}
