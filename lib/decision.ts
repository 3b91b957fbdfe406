import { XdplbError } from './errors.js'
import type { Network } from './network.js'
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
  /** `dr`: in a frame to it; `tun`: in a tunnel, IP in IP. */
  readonly forwarding?: 'dr' | 'tun'
  /** Where the frame is sent: to the real server, or to the router on the way. */
  readonly mac?: string
  /** Until persistence forgets the client, if it is what led to the real server. */
  readonly persistsSeconds?: number
}

/** Which decisions a trace tells of: those that fit all that is said. */
export interface TraceFilter {
  readonly client?: Network
  readonly vip?: Network
  /** Of the virtual address. */
  readonly port?: number
  readonly protocol?: Protocol
  /** As it is named everywhere: `10.0.0.1:80/tcp`. */
  readonly service?: string
  /** Names as in `enum verdict` of bpf/types.h. */
  readonly verdicts?: readonly string[]
}

export interface TraceOptions extends TraceFilter {
  /** Decisions after which it ends. @default none */
  readonly limit?: number
  /** @default for ever */
  readonly durationMs?: number
}

/** What was decided about a packet that came. */
export interface Decision {
  /** When: ISO 8601 in UTC, to the millisecond. */
  readonly at: string
  readonly verdict: string
  /** The same in words. */
  readonly phrase: string
  /** Absent, like all that follows, where the packet was not looked at as far. */
  readonly client?: string
  readonly virtual?: string
  /** Or IANA's number of another one. */
  readonly protocol?: Protocol | number
  /** What it says to its connection: `begin` is a SYN or INIT; `error` is said of an ICMP error about it. */
  readonly signal?: 'data' | 'begin' | 'end' | 'abort' | 'none' | 'error'
  /** Bytes of IP. */
  readonly length?: number
  readonly reason?: 'flow' | 'template' | 'scheduler'
  readonly service?: string
  readonly real?: string
}

/** How many decisions there was no room for since the line before. */
export interface TraceLoss {
  readonly lost: number
}

export type TraceLine = Decision | TraceLoss
