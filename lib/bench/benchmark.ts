import { XdplbError } from '../errors.js'
import { pinThread } from '../net/thread.js'
import { measurePaths, type PathCost } from './end-to-end.js'
import { type Machine, thisMachine } from './machine.js'
import type { Extent } from './modes.js'
import { measurePackets, type PacketCost } from './packet-cost.js'
import { Rig } from './rig.js'

const LEAST_FLOWS = 65_536
const MOST_FLOWS = 4_194_304
const MOST_PACKETS = 2 ** 28

export interface BenchmarkOptions {
  /** What the tables are made for, a power of two. @default 1,048,576 */
  readonly maxFlows?: number | undefined
  /** Of each kind, each time: at most so many. @default 1,048,576 */
  readonly packets?: number | undefined
  /** How often everything is measured. @default 7 */
  readonly rounds?: number | undefined
  /** A BPF file system, or an empty directory where one may be mounted. @default '/sys/fs/bpf' */
  readonly bpffs?: string | undefined
  /** Told after each round what part of all is done. */
  readonly onProgress?: ((done: number) => void) | undefined
}

export interface BenchmarkReport {
  readonly machine: Machine
  readonly driver: 'veth'
  readonly mode: 'native'
  readonly extent: Extent
  /** One program alone, by BPF_PROG_TEST_RUN. */
  readonly packets: readonly PacketCost[]
  /** From veth to veth. */
  readonly paths: readonly PathCost[]
}

/**
 * Measures the balancer on this machine, beside the least that any balancer does and beside what Linux offers
 * without it, in a network namespace of its own: a minute or two of one CPU, which this process's main thread is kept
 * on meanwhile. Nothing stays behind, however the process ends. Needs root and ip(8); nft(8) where nftables is to
 * be measured too.
 *
 * Throws `USAGE` when packets were lost or did not do what they were measured for.
 */
export async function benchmark(options: BenchmarkOptions = {}): Promise<BenchmarkReport> {
  const { maxFlows = 1_048_576, packets = 1_048_576, rounds = 7, bpffs, onProgress = () => {} } = options
  const extent = { maxFlows, packets, rounds }
  checkExtent(extent)
  using _pinned = pinThread()
  using rig = await Rig.open(maxFlows, bpffs)
  const part = (before: number) => (round: number) => onProgress((before + round / rounds) / 2)
  return {
    machine: thisMachine(),
    driver: 'veth',
    mode: 'native',
    extent,
    packets: await measurePackets(rig, extent, part(0)),
    paths: await measurePaths(rig, extent, part(1)),
  }
}

function checkExtent({ maxFlows, packets, rounds }: Extent): void {
  const isPowerOfTwo = Number.isInteger(Math.log2(maxFlows))
  if (!isPowerOfTwo || maxFlows < LEAST_FLOWS || maxFlows > MOST_FLOWS) {
    const expected = `expected a power of two from ${LEAST_FLOWS} to ${MOST_FLOWS}`
    throw new XdplbError('USAGE', `benchmark: tables for ${maxFlows} flows, ${expected}`)
  }
  for (const [what, value] of Object.entries({ packets, rounds })) {
    if (Number.isInteger(value) && value > 0 && value <= MOST_PACKETS) continue
    throw new XdplbError('USAGE', `benchmark: ${value} ${what}, expected 1 to ${MOST_PACKETS}`)
  }
}
