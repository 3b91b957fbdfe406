import { XdplbError } from '../errors.js'
import { libc, libcOk } from './libc.js'

/** <time.h> */
const CLOCK_THREAD_CPUTIME_ID = 3

/** Room for 8,192 CPUs, more than any kernel is built for (NR_CPUS). */
const CPU_SET_SIZE = 1024

/** The calling thread, kept on one CPU until this is closed. */
export interface PinnedThread extends Disposable {
  readonly cpu: number
}

/**
 * Keeps the calling thread on one CPU; programs that it runs by `testRun()` run there too.
 *
 * @param cpu one that the thread may run on. @default the last of those
 */
export function pinThread(cpu?: number): PinnedThread {
  const before = new Uint8Array(CPU_SET_SIZE)
  libcOk(libc().schedGetAffinity(0, before.length, before), 'read CPUs of thread')
  const chosen = cpu ?? lastOf(before)
  if (!Number.isInteger(chosen) || chosen < 0 || chosen >= 8 * CPU_SET_SIZE) {
    throw new XdplbError('USAGE', `pin thread: CPU ${chosen}, expected the number of one`)
  }
  const only = new Uint8Array(CPU_SET_SIZE)
  only[chosen >> 3] = 1 << (chosen & 7)
  setCpus(only, `pin thread: CPU ${chosen}`)
  return { cpu: chosen, [Symbol.dispose]: () => setCpus(before, 'give thread its CPUs back') }
}

/**
 * A clock of the CPU time of the calling thread, in ns. It stands while another one has the CPU, which a wall clock
 * does not. What the kernel does for the network in between (softirq) is in it, unless the kernel keeps that apart
 * (CONFIG_IRQ_TIME_ACCOUNTING).
 */
export function threadClock(): () => number {
  const time = new BigInt64Array(2)
  const bytes = new Uint8Array(time.buffer)
  return () => {
    libcOk(libc().clockGetTime(CLOCK_THREAD_CPUTIME_ID, bytes), 'read clock: CLOCK_THREAD_CPUTIME_ID')
    return Number(time[0]) * 1e9 + Number(time[1])
  }
}

function setCpus(cpus: Uint8Array, operation: string): void {
  libcOk(libc().schedSetAffinity(0, cpus.length, cpus), operation)
}

function lastOf(cpus: Uint8Array): number {
  const byte = cpus.findLastIndex(byte => byte !== 0)
  return byte * 8 + 31 - Math.clz32(cpus[byte] ?? 0)
}
