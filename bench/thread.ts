import { koffi } from '../lib/net/koffi.js'
import { libcOk } from '../lib/net/libc.js'

/** <time.h> */
const CLOCK_THREAD_CPUTIME_ID = 3

/** Keeps the calling thread on one CPU; programs that it runs by `testRun()` run there too. */
export function pinThread(cpu: number): void {
  const setAffinity = koffi()
    .load(null)
    .func('int sched_setaffinity(int thread, size_t size, const void *cpus)')
  const cpus = Buffer.alloc(128)
  cpus.writeUInt8(1 << (cpu % 8), Math.floor(cpu / 8))
  libcOk(setAffinity(0, cpus.length, cpus), `pin thread: CPU ${cpu}`)
}

/**
 * A clock of the CPU time of the calling thread, in ns. It stands while another one has the CPU, which a wall clock
 * does not.
 */
export function threadClock(): () => number {
  const getTime = koffi().load(null).func('int clock_gettime(int clock, _Out_ void *time)')
  const time = new BigInt64Array(2)
  const bytes = new Uint8Array(time.buffer)
  return () => {
    libcOk(getTime(CLOCK_THREAD_CPUTIME_ID, bytes), 'read clock: CLOCK_THREAD_CPUTIME_ID')
    return Number(time[0]) * 1e9 + Number(time[1])
  }
}
