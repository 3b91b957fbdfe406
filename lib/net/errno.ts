import { constants } from 'node:os'
import { type ErrorCode, XdplbError } from '../errors.js'

/** The error numbers that code decides by, and every other one that Node knows. */
export const errnos = constants.errno

/** Not in any errno.h, yet returned by the kernel's BPF and XDP code: include/linux/errno.h. */
const ENOTSUPP = 524

const names = new Map<number, string>([
  ...Object.entries(errnos)
    .reverse() // EAGAIN, EOPNOTSUPP: the first of two names for a number stays
    .map(([name, errno]): [number, string] => [errno, name]),
  [errnos.EOPNOTSUPP, 'EOPNOTSUPP'],
  [ENOTSUPP, 'ENOTSUPP'],
])

const codes = new Map<number, ErrorCode>([
  [errnos.EPERM, 'PERMISSION'],
  [errnos.EACCES, 'PERMISSION'],
  [errnos.ENOENT, 'NOT_FOUND'],
  [errnos.ENODEV, 'NOT_FOUND'],
  [errnos.EBUSY, 'BUSY'],
  [errnos.EOPNOTSUPP, 'UNSUPPORTED'],
  [errnos.ENOSYS, 'UNSUPPORTED'],
  [ENOTSUPP, 'UNSUPPORTED'],
])

const capabilities =
  'expected root, or CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_PERFMON ' +
  '(and CAP_SYS_ADMIN to mount or to enter a namespace)'

/** `EBUSY` for 16; `errno 4001` for a number without a name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`
}

/** Does something to a file; what the kernel says against it is thrown as a {@link syscallError}. */
export function accessFile<T>(operation: string, access: () => T): T {
  try {
    return access()
  } catch (cause) {
    if (!(cause instanceof Error && 'errno' in cause && typeof cause.errno === 'number')) throw cause
    throw syscallError(-cause.errno, operation, { cause })
  }
}

/**
 * What the kernel answered, as the error that callers match on.
 *
 * @param errno positive, as in errno.h
 * @param operation what was being done and to what: `open map: /sys/fs/bpf/x`
 * @param details the kernel's own words, when it has any (`reason`), and the error this one explains
 */
export function syscallError(
  errno: number,
  operation: string,
  details: { reason?: string; cause?: unknown } = {},
): XdplbError {
  const { reason, ...rest } = details
  const code = codes.get(errno) ?? 'SYSCALL'
  const found = reason === undefined ? errnoName(errno) : `${errnoName(errno)} (${reason})`
  const message = code === 'PERMISSION' ? `${operation}: ${found}, ${capabilities}` : `${operation}: ${found}`
  return new XdplbError(code, message, { ...rest, errno, operation })
}
