import { XdplbError } from '../errors.js'
import type { Program } from '../libbpf/index.js'

/** A quarter of a second: the unit of every age and timeout in the tables. */
export const TICKS_PER_SECOND = 4

/** What CONFIG_HZ can be (kernel/Kconfig.hz, and the odd ones of some architectures). */
const FREQUENCIES = [24, 32, 48, 64, 100, 128, 200, 250, 256, 300, 500, 512, 1000, 1024, 1200]

/** jiffies begin so that they wrap five minutes after boot (include/linux/jiffies.h, INITIAL_JIFFIES). */
const WRAP_AFTER_SECONDS = 300

/** One look at the clocks, at about the same moment. */
export interface ClockReading {
  readonly jiffies: bigint
  /** As the program counts them: 0 as long as it has not been told HZ. */
  readonly ticks: number
  /** CLOCK_MONOTONIC. */
  readonly uptimeSeconds: number
}

/** @param program `read_clock` of bpf/xdplb.bpf.c */
export function readClock(program: Program): ClockReading {
  const { data } = program.testRun({ data: new Uint8Array(14) })
  const uptimeSeconds = Number(process.hrtime.bigint()) / 1e9
  return { jiffies: data.readBigUInt64LE(0), ticks: data.readUInt32LE(8), uptimeSeconds }
}

/**
 * HZ of the running kernel, from one reading: jiffies have been counting since boot. Undefined within seconds of the
 * moment at which they wrap, when every frequency fits: read again later.
 */
export function kernelFrequency({
  jiffies,
  uptimeSeconds,
}: Pick<ClockReading, 'jiffies' | 'uptimeSeconds'>): number | undefined {
  const sinceWrap = uptimeSeconds - WRAP_AFTER_SECONDS
  if (Math.abs(sinceWrap) < 1) return undefined
  const measured = Number(jiffies - 2n ** 32n) / sinceWrap
  return FREQUENCIES.reduce((best, hz) => (Math.abs(hz - measured) < Math.abs(best - measured) ? hz : best))
}

/** The factor that makes ticks of jiffies: `struct settings` wants it times 2^32. */
export function ticksPerJiffy(hz: number): number {
  if (hz <= TICKS_PER_SECOND)
    throw new XdplbError('UNSUPPORTED', `kernel clock: ${hz} Hz, expected more than ${TICKS_PER_SECOND}`)
  return Math.round((TICKS_PER_SECOND * 2 ** 32) / hz)
}
