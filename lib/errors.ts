/**
 * What went wrong, in a word that programs may match on; stable from release to release.
 *
 * - `CONFIG`: the configuration (a file or an object) says something that cannot be done.
 * - `USAGE`: a call or a command line that does not fit what was opened (sizes, names, order).
 * - `PERMISSION`: the kernel wants a capability that this process does not have.
 * - `UNSUPPORTED`: this kernel, libbpf or machine lacks something that is needed.
 * - `VERIFIER`: the kernel's verifier refused a program; the whole log is in `log`.
 * - `BUSY`: somebody else holds what was asked for (an interface's XDP hook, a name).
 * - `NOT_FOUND`: no such interface, map, program, pin, file.
 * - `SYSCALL`: any other word of the kernel; `errno` has it.
 * - `CLOSED`: used after `close()`.
 */
export type ErrorCode =
  | 'CONFIG'
  | 'USAGE'
  | 'PERMISSION'
  | 'UNSUPPORTED'
  | 'VERIFIER'
  | 'BUSY'
  | 'NOT_FOUND'
  | 'SYSCALL'
  | 'CLOSED'

/** What an {@link XdplbError} may carry beside its message. */
export interface ErrorDetails {
  /** The error this one explains. */
  cause?: unknown
  /** The kernel's error number, positive. */
  errno?: number
  /** What was being done: `attach_xdp`, `map lookup`. */
  operation?: string
  /** A long text behind a short message: the verifier's log. */
  log?: string
}

/**
 * The one error class of the library. Match on `code`, not on the message.
 *
 * Messages read `<verb phrase>: <object>: <found>, expected <wanted>`, lower case, without a full stop.
 */
export class XdplbError extends Error {
  override readonly name = 'XdplbError'
  readonly code: ErrorCode
  readonly errno: number | undefined
  readonly operation: string | undefined
  readonly log: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.code = code
    this.errno = details.errno
    this.operation = details.operation
    this.log = details.log
  }
}

/** What a thrown thing says: also of a host with several addresses, none of which answered. It need not be an error. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(messageOf).join(', ')
  return thrown instanceof Error ? thrown.message : String(thrown)
}
