import { libc } from './libc.js'

/** <bits/sigaction.h>, <bits/signum-generic.h> */
const SIG_BLOCK = 0
const SIG_SETMASK = 2
const SIGPROF = 27

/** Of `sigset_t`, in glibc and in musl. */
const SET_BYTES = 128

/** Runs a function in which no profiler interrupts this thread: V8's and others sample by SIGPROF, which waits. */
export function withoutProfiler<T>(fn: () => T): T {
  const profiler = Buffer.alloc(SET_BYTES)
  profiler.writeUInt32LE(2 ** (SIGPROF - 1))
  const before = Buffer.alloc(SET_BYTES)
  libc().pthreadSigmask(SIG_BLOCK, profiler, before)
  try {
    return fn()
  } finally {
    libc().pthreadSigmask(SIG_SETMASK, before, null)
  }
}
