import { XdplbError } from '../errors.js'
import { syscallError } from '../net/errno.js'
import { koffi } from '../net/koffi.js'
import type { Pointer } from '../net/libc.js'

/** libbpf's own error numbers, from libbpf.h: they begin where the kernel's end. */
const FIRST_OWN_ERRNO = 4000
const ownErrors = [
  'libelf failed',
  'not a BPF object',
  'wrong or missing kernel version',
  'wrong byte order',
  'internal error',
  'relocation failed',
  'load failed',
  'verification failed',
  'program too big',
  'wrong kernel version',
  'wrong program type',
  'wrong process id',
  'wrong sequence number',
  'netlink parse error',
]

/** Returns `rc`, or throws what it says: since 1.0, libbpf returns negative error numbers. */
export function libbpfOk(rc: number, operation: string, messages: readonly string[] = []): number {
  if (rc < 0) throw libbpfError(-rc, operation, messages)
  return rc
}

/** Returns the pointer, or throws what errno says; nothing may be called between the function and this. */
export function libbpfPointer(pointer: Pointer | null, operation: string): Pointer {
  if (pointer === null) throw libbpfError(koffi().errno(), operation)
  return pointer
}

/** An error number of the kernel or of libbpf as an error, with what libbpf has printed about it. */
export function libbpfError(errno: number, operation: string, messages: readonly string[] = []): XdplbError {
  const reason = messages.at(-1)
  const own = ownErrors[errno - FIRST_OWN_ERRNO]
  if (own === undefined) return syscallError(errno, operation, reason === undefined ? {} : { reason })
  const found = reason === undefined ? own : `${own} (${reason})`
  return new XdplbError('USAGE', `${operation}: ${found}`, { errno, operation })
}
