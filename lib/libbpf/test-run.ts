import { XdplbError } from '../errors.js'
import { errnos } from '../net/errno.js'
import { libbpf } from './native.js'
import { optionSizes } from './options.js'
import { libbpfOk } from './status.js'

/** A packet for a program to run on (BPF_PROG_TEST_RUN). */
export interface TestRun {
  /** The packet; 14 bytes at least. */
  data: Uint8Array
  /** The program's context, `struct xdp_md` or `struct __sk_buff`; see `encodeXdpContext`. */
  context?: Uint8Array
  /** How often, on one and the same packet: what the first run wrote, the second one reads. @default 1 */
  repeat?: number
  /** Room for the packet that comes out, in bytes. @default that of `data` and 512 */
  resultSize?: number
  /**
   * XDP only, Linux 5.18: `repeat` packets are really sent, as if each had come in by the interface that `context`
   * names, and nothing comes back. @default false
   */
  liveFrames?: boolean
}

export interface TestRunResult {
  /** What the program returned the last time: `XDP_TX` is 3. */
  retval: number
  data: Buffer
  context: Buffer
  /** Of one run on average; for a number that means something, repeat a thousand times. */
  durationNs: number
}

/** BPF_F_TEST_XDP_LIVE_FRAMES, include/uapi/linux/bpf.h */
const LIVE_FRAMES = 1 << 1

/** An XDP program may put 256 bytes before a packet (XDP_PACKET_HEADROOM), and some behind it. */
const GROWTH = 512
/** As much as the kernel's largest context (`struct __sk_buff`, 192 bytes) and more. */
const CONTEXT_SIZE = 512

export function testRun(fd: number, name: string, run: TestRun): TestRunResult {
  const operation = `test run: program "${name}"`
  const { data, context, repeat = 1, resultSize = data.length + GROWTH, liveFrames = false } = run
  // the kernel takes a size of 0 for "as much as it likes"
  if (!Number.isInteger(resultSize) || resultSize < 1) {
    throw new XdplbError('USAGE', `${operation}: resultSize ${resultSize}, expected 1 or more`)
  }
  if (!Number.isInteger(repeat) || repeat < 1 || repeat > 0x7fff_ffff) {
    throw new XdplbError('USAGE', `${operation}: repeat ${repeat}, expected 1 to ${0x7fff_ffff}`)
  }
  const dataOut = liveFrames ? null : Buffer.alloc(resultSize)
  const contextOut = liveFrames || context === undefined ? null : Buffer.alloc(CONTEXT_SIZE)
  const options = {
    sz: optionSizes.testRun,
    data_in: data,
    data_out: dataOut,
    data_size_in: data.length,
    data_size_out: dataOut?.length ?? 0,
    ctx_in: context ?? null,
    ctx_out: contextOut,
    ctx_size_in: context?.length ?? 0,
    ctx_size_out: contextOut?.length ?? 0,
    retval: 0,
    repeat,
    duration: 0,
    flags: liveFrames ? LIVE_FRAMES : 0,
    cpu: 0,
    batch_size: 0,
  }
  const rc = libbpf().testRun(fd, options)
  if (rc === -errnos.ENOSPC) {
    const found = `a packet of ${options.data_size_out} bytes came out`
    throw new XdplbError('USAGE', `${operation}: ${found}, expected ${resultSize} at most`, {
      errno: -rc,
      operation,
    })
  }
  libbpfOk(rc, operation)
  return {
    retval: options.retval,
    data: (dataOut ?? Buffer.alloc(0)).subarray(0, options.data_size_out),
    context: (contextOut ?? Buffer.alloc(0)).subarray(0, options.ctx_size_out),
    durationNs: options.duration,
  }
}
