import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { XdplbError } from '../../lib/errors.js'

/** Asks on the terminal. Throws `USAGE` when the answer is no, or when nobody is there to ask. */
export async function consent(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw unwilling(question, 'nobody to ask')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const closed = once(terminal, 'close').then(() => 'no') // Ctrl-C, Ctrl-D
  const answer = await Promise.race([terminal.question(`${question} [y/N] `), closed])
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw unwilling(question, 'the answer was no')
}

function unwilling(question: string, found: string): XdplbError {
  return new XdplbError('USAGE', `bench: ${question} ${found}, expected yes, or --yes`)
}
