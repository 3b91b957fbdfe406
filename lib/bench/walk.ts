import type { MappedArray } from '../libbpf/index.js'
import { u32 } from '../libbpf/index.js'

/** Which flows' packets come, and in what order. A flow's number says who its client is. */
export interface Walk {
  /** `counting` up without end, or all of `flows` in an order that a prefetcher cannot guess, again and again. */
  readonly order: 'counting' | 'random'
  /** The number of the first one. @default 0 */
  readonly from?: number
  /** How many there are, a power of two. @default 2^32 */
  readonly flows?: number
  /** How many clients have them, a power of two from 2^17 on. @default each has one flow */
  readonly clients?: number
}

/** What all packets have in common, and how their addresses differ. */
export interface Pattern {
  /** The first packet, as lib/bench/frame.ts builds it. */
  readonly frame: Buffer
  /** Bits of the last four bytes of the client's address that may differ from the frame's, in network order. */
  readonly hosts: number
  /** How many addresses they are for, from the frame's on; a power of two, and only the last byte counts. */
  readonly destinations: number
}

/** One flow for every 32-bit number. */
const ALL = 2 ** 32

/** A full-period generator modulo any power of two (Numerical Recipes). */
const steps = {
  counting: { factor: 1, step: 1 },
  random: { factor: 1664525, step: 1013904223 },
}

/** `struct walk` of bpf/bench.bpf.c: nine words, then the frame. */
const FRAME_AT = 9 * u32.size

/** @param buckets of the flow table */
export function writeWalk(
  walks: MappedArray,
  { frame, hosts, destinations }: Pattern,
  { order, from = 0, flows = ALL, clients = ALL }: Walk,
  buckets: number,
): void {
  const { factor, step } = steps[order]
  const swap = Buffer.alloc(4)
  swap.writeUInt32BE(hosts)
  const words = [from, factor, step, flows - 1, clients - 1, swap.readUInt32LE(), destinations - 1]
  walks.u32.set([...words, sumOf(frame), buckets - 1])
  walks.bytes.set(frame, FRAME_AT)
}

/** RFC 1071, over what of the IPv4 header is the same in all packets: all but the checksum and the addresses. */
function sumOf(frame: Buffer): number {
  return [14, 16, 18, 20, 22].reduce((sum, at) => sum + frame.readUInt16LE(at), 0)
}
