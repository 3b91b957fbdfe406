import type { Pointer } from '../net/libc.js'
import { libbpf } from './native.js'

const WARNING = 0
const LONGEST = 4096

/** Follows every failed load and says nothing. */
const isIdle = (message: string) => message.startsWith('failed to load object')

let collecting: string[] | undefined
let listener: Pointer | undefined

/**
 * Runs `body` and collects the warnings that libbpf prints meanwhile, which would go to stderr otherwise.
 *
 * libbpf has one print function per process, and koffi ties it to this thread. So it is set for this call only; at
 * all other times libbpf is silent, on whichever thread it is used.
 */
export function withMessages<T>(body: () => T): { result: T; messages: readonly string[] } {
  listener ??= libbpf().registerPrint(hear)
  const messages: string[] = []
  collecting = messages
  libbpf().setPrint(listener)
  try {
    return { result: body(), messages }
  } finally {
    libbpf().setPrint(null)
    collecting = undefined
  }
}

function hear(level: number, format: Pointer, args: Pointer): number {
  if (level !== WARNING) return 0
  const text = Buffer.alloc(LONGEST)
  libbpf().format(text, text.length, format, args)
  const message = text
    .toString('utf8', 0, text.indexOf(0))
    .replace(/^libbpf: /, '')
    .trimEnd()
  if (!isIdle(message)) collecting?.push(message)
  return 0
}
