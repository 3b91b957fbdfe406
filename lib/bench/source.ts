import { fileURLToPath } from 'node:url'
import { XdplbError } from '../errors.js'
import {
  type BpfMap,
  BpfObject,
  encodeXdpContext,
  type LoadedObject,
  type MappedArray,
  type Program,
  u32,
  u64,
} from '../libbpf/index.js'
import { threadClock } from '../net/thread.js'
import { type Pattern, type Walk, writeWalk } from './walk.js'

/** Of one packet, in ns. */
export interface Cost {
  /** CPU time of the calling thread. */
  readonly cpu: number
  /** Of a clock on the wall: also what others who have the CPU take. */
  readonly wall: number
}

const OBJECT = fileURLToPath(new URL('../../bpf/bench.bpf.o', import.meta.url))

/** include/uapi/linux/bpf.h */
const XDP_ABORTED = 0

const ETHERTYPE_IPV6 = 0x86dd

/** Where packets come from and where they end: bpf/bench.bpf.c in the kernel. */
export class Source implements Disposable {
  readonly #object: LoadedObject
  readonly #walks: MappedArray
  readonly #buckets: number
  readonly #cpu = threadClock()

  private constructor(object: LoadedObject) {
    this.#object = object
    this.#buckets = object.map('flow_words').maxEntries
    this.#walks = object.map('walks').mapped()
  }

  /** @param flowWords what `miss` reads from. @default a table of one line */
  static load(flowWords?: BpfMap): Source {
    using object = BpfObject.open(OBJECT)
    if (flowWords) object.reuse('flow_words', flowWords)
    return new Source(object.load())
  }

  /** The program that reads one line of the flow table, and does nothing else that the floor does not do. */
  get miss(): Program {
    return this.#object.program('miss')
  }

  /** The program that counts packets of this source, drops them, and passes all others. */
  get sink(): Program {
    return this.#object.program('sink')
  }

  /**
   * Sends packets through a program and nowhere else. What that costs has the loop of BPF_PROG_TEST_RUN and the writing
   * of the packet in it.
   *
   * @param ifindex what they are said to have come in by, in the thread's network namespace
   */
  run(program: Program, pattern: Pattern, walk: Walk, options: { packets: number; ifindex: number }): Cost {
    this.#putBehindFront(program)
    const { cost, retval } = this.#send('front', pattern, walk, { ...options, liveFrames: false })
    if (retval === XDP_ABORTED)
      throw new XdplbError('USAGE', 'send packets: no program behind the front got the last one')
    return cost
  }

  /** Sends packets out of an interface, in earnest. */
  send(pattern: Pattern, walk: Walk, options: { packets: number; ifindex: number }): Cost {
    return this.#send('generate', pattern, walk, { ...options, liveFrames: true }).cost
  }

  /**
   * Gives packets to a program as the driver of an interface does that has received them, in earnest: what it sends
   * back leaves by that interface, what it passes goes to the stack.
   */
  deliver(
    program: Program,
    pattern: Pattern,
    walk: Walk,
    options: { packets: number; ifindex: number },
  ): Cost {
    this.#putBehindFront(program)
    return this.#send('front', pattern, walk, { ...options, liveFrames: true }).cost
  }

  /** How many packets have come to the sink, by the last byte of the MAC address that they were sent to. */
  arrived(): readonly number[] {
    const arrived = this.#object.map('arrived').summed({ key: u32, value: u64 })
    return Array.from({ length: 256 }, (_, station) => Number(arrived.lookup(station) ?? 0n))
  }

  close(): void {
    this.#walks.close()
    this.#object.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #putBehindFront(program: Program): void {
    this.#object.map('measured').typed({ key: u32, value: u32 }).update(0, program.fd)
  }

  #send(
    program: 'front' | 'generate',
    pattern: Pattern,
    walk: Walk,
    { packets, ifindex, liveFrames }: { packets: number; ifindex: number; liveFrames: boolean },
  ): { cost: Cost; retval: number } {
    const { frame } = pattern
    const family = frame.readUInt16BE(12) === ETHERTYPE_IPV6 ? 'ipv6' : 'ipv4'
    writeWalk(this.#walks, pattern, walk, this.#buckets)
    const context = encodeXdpContext({ dataSize: frame.length, ingressIfindex: ifindex })
    const [cpu, wall] = [this.#cpu(), process.hrtime.bigint()]
    const { retval } = this.#object
      .program(`${program}_${family}`)
      .testRun({ data: frame, context, repeat: packets, liveFrames })
    const cost = {
      cpu: (this.#cpu() - cpu) / packets,
      wall: Number(process.hrtime.bigint() - wall) / packets,
    }
    return { cost, retval }
  }
}
