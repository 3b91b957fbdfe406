import { XdplbError } from './errors.js'
import type { Endpoint, Protocol } from './service.js'

const packetFlags = [
  ...(['SYN', 'ACK', 'FIN', 'RST', 'PSH', 'URG'] as const),
  ...(['INIT', 'DATA', 'SHUTDOWN', 'ABORT'] as const),
]

/** What a segment says: flags of TCP, or the first chunk of SCTP. */
export type PacketFlag = (typeof packetFlags)[number]

/** `SYN,ACK`. Throws `USAGE` for other words. */
export function parseFlags(text: string): PacketFlag[] {
  return text.split(',').map(word => {
    const flag = packetFlags.find(candidate => candidate === word.toUpperCase())
    if (flag !== undefined) return flag
    throw new XdplbError('USAGE', `parse flags: "${word}", expected some of ${packetFlags.join(',')}`)
  })
}

/** A packet that may come, for `Balancer.where()`. */
export interface PacketQuestion {
  readonly source: Endpoint
  readonly destination: Endpoint
  /** @default 'tcp' */
  readonly protocol?: Protocol
  /** @default what begins a connection: SYN, or INIT */
  readonly flags?: readonly PacketFlag[]
}

/** Where a packet goes, and why: what `Balancer.where()`, `GET /v1/where` and `xdplb where --json` answer. */
export interface Whereabouts {
  /** A name of `enum verdict` in bpf/types.h; `tx` when it goes to a real server, whichever interface leads there. */
  readonly verdict: string
  /** The same in words. */
  readonly phrase: string
  /**
   * What led to the real server; absent when there is none.
   *
   * - `flow`: the connection is known
   * - `template`: persistence knows the client
   * - `scheduler`: the next one by the scheduler, as of now
   */
  readonly reason?: 'flow' | 'template' | 'scheduler'
  /** `10.0.0.1:80/tcp`; absent when the packet is nobody's. */
  readonly service?: string
  readonly scheduler?: string
  /** `10.0.0.71:80` */
  readonly real?: string
  /** Where the frame is sent. */
  readonly mac?: string
  /** Until persistence forgets the client, if it is what led to the real server. */
  readonly persistsSeconds?: number
}
