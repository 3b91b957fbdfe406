import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from '../bpf/compile.js'
import { XdplbError } from '../lib/errors.js'
import {
  type BpfMap,
  BpfObject,
  type LoadedObject,
  type MappedArray,
  type Program,
  u32,
} from '../lib/libbpf/index.js'
import { threadClock } from './thread.js'

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

/** Of one packet, in ns. */
export interface Cost {
  /** CPU time of the thread, the loop of BPF_PROG_TEST_RUN and the front included. */
  readonly cpu: number
  /** What the kernel says, in whole ns. */
  readonly kernel: number
}

/** include/uapi/linux/bpf.h */
const XDP_ABORTED = 0

/** One flow for every 32-bit number. */
const ALL = 2 ** 32

/** A full-period generator modulo any power of two (Numerical Recipes). */
const steps = {
  counting: { factor: 1, step: 1 },
  random: { factor: 1664525, step: 1013904223 },
}

/** The packet source: bench/front.bpf.c before a program, in the kernel. */
export class Front implements Disposable {
  readonly #object: LoadedObject
  readonly #walk: MappedArray
  readonly #buckets: number
  readonly #now = threadClock()

  private constructor(object: LoadedObject) {
    this.#object = object
    this.#buckets = object.map('flow_words').maxEntries
    this.#walk = object.map('walks').mapped()
  }

  /** @param flowWords what `miss` reads from */
  static load(flowWords: BpfMap): Front {
    using object = BpfObject.open(compileFront(), { name: 'front' })
    object.reuse('flow_words', flowWords)
    return new Front(object.load())
  }

  /** The program that reads one line of the flow table, and does nothing else that the floor does not do. */
  get miss(): Program {
    return this.#object.program('miss')
  }

  /** Puts a program behind it. */
  aim(program: Program): void {
    this.#object.map('measured').typed({ key: u32, value: u32 }).update(0, program.fd)
  }

  /**
   * Sends packets through the program that it is aimed at.
   *
   * @param frame what they have in common, and the first of the addresses that they are for
   * @param destinations how many addresses, a power of two; the last byte counts
   */
  run(frame: Buffer, destinations: number, walk: Walk, packets: number): Cost {
    const { order, from = 0, flows = ALL, clients = ALL } = walk
    const { factor, step } = steps[order]
    const macs = [frame.readUInt32LE(0), frame.readUInt32LE(4), frame.readUInt32LE(8)]
    const [ttlToChecksum, destination] = [frame.readUInt32LE(22), frame.readUInt32LE(30)]
    this.#walk.u32.set([from, factor, step, flows - 1])
    this.#walk.u32.set(
      [clients - 1, destination, destinations - 1, ttlToChecksum, ...macs, this.#buckets - 1],
      4,
    )
    const before = this.#now()
    const { durationNs, retval } = this.#object.program('front').testRun({ data: frame, repeat: packets })
    const cpu = (this.#now() - before) / packets
    if (retval === XDP_ABORTED)
      throw new XdplbError('USAGE', 'run front: no program behind it got the packet')
    return { cpu, kernel: durationNs }
  }

  close(): void {
    this.#walk.close()
    this.#object.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function compileFront(): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'xdplb-bench-'))
  const object = join(directory, 'front.bpf.o')
  try {
    compile(fileURLToPath(new URL('.', import.meta.url)), 'front.bpf.c', object)
    return readFileSync(object)
  } finally {
    rmSync(directory, { recursive: true })
  }
}
