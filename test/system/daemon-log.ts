import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from '../../cli/demo/lab/child.js'

/** A line of a daemon's log. */
export interface LogLine {
  /** As `Date.now()` had it when the line was written. */
  readonly time: number
  readonly level: string
  readonly text: string
}

/** What a daemon has logged so far. */
export function logOf(daemon: Child): LogLine[] {
  return daemon.stderr
    .split('\n')
    .filter(line => line.startsWith('{') && line.endsWith('}'))
    .map(line => JSON.parse(line))
    .map(({ time, level, msg }) => ({ time: Date.parse(time), level, text: msg }))
}

/** Waits for the first line like this from that moment on. @returns when it was written */
export async function logged(daemon: Child, text: RegExp, from = 0): Promise<number> {
  for (;;) {
    const line = logOf(daemon).find(line => line.time >= from && text.test(line.text))
    if (line) return line.time
    await sleep(5)
  }
}
