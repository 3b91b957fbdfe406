import { errnos } from '../net/errno.js'
import { Fd } from '../net/fd.js'
import { programInfo } from './info.js'
import { libbpf } from './native.js'
import { optionSizes } from './options.js'
import { libbpfOk } from './status.js'

/** Where a program sits: in the driver, in the stack behind it, or in the network card. */
export type XdpMode = 'native' | 'generic' | 'offload'

export interface XdpStatus {
  mode: XdpMode
  programId: number
  /** Undefined when the program has gone meanwhile, or this process may not ask. */
  programName: string | undefined
}

/**
 * The XDP program that packets of an interface meet first; undefined when there is none, or no such interface in the
 * calling thread's network namespace.
 */
export function queryXdp(ifindex: number): XdpStatus | undefined {
  const found = {
    sz: optionSizes.xdpQuery,
    prog_id: 0,
    drv_prog_id: 0,
    hw_prog_id: 0,
    skb_prog_id: 0,
    attach_mode: 0,
  }
  libbpfOk(libbpf().xdpQuery(ifindex, 0, found), `query xdp: interface ${ifindex}`)
  const ids = [
    ['offload', found.hw_prog_id],
    ['native', found.drv_prog_id],
    ['generic', found.skb_prog_id],
  ] as const
  for (const [mode, programId] of ids) {
    if (programId !== 0) return { mode, programId, programName: nameOfProgram(programId) }
  }
  return undefined
}

function nameOfProgram(id: number): string | undefined {
  const rc = libbpf().programById(id)
  if (rc === -errnos.ENOENT || rc === -errnos.EPERM) return undefined
  using fd = new Fd(libbpfOk(rc, `open program: id ${id}`))
  return programInfo(fd.n).name
}

/** What of `struct xdp_md` a test run takes from its caller. */
export interface XdpContext {
  /** Of the packet, with what is before it. */
  dataSize: number
  /** How much of that is metadata, a multiple of four. @default 0 */
  metadataSize?: number
  /** The interface that the packet is said to come in by; it must exist. @default 0: the loopback interface */
  ingressIfindex?: number
  /** @default 0 */
  rxQueue?: number
}

/** The `context` of a test run: `struct xdp_md`. */
export function encodeXdpContext(context: XdpContext): Uint8Array {
  const { dataSize, metadataSize = 0, ingressIfindex = 0, rxQueue = 0 } = context
  const egressIfindex = 0
  return new Uint8Array(
    Uint32Array.of(metadataSize, dataSize, 0, ingressIfindex, rxQueue, egressIfindex).buffer,
  )
}
