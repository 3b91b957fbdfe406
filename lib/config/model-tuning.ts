import type { Address } from '../address.js'
import type { PortRange, Protocol } from '../service.js'

/**
 * `xdplb { … }`: what keepalived does not have. Never in a file that keepalived reads too. Those that IPVS has as
 * sysctls in net.ipv4.vs have its names, and its defaults unless they say otherwise.
 */
export interface Tuning {
  /** Flows that the table holds. @default 262144 */
  readonly maxFlows: number
  /** Persistent clients that the table holds. @default maxFlows */
  readonly maxTemplates: number
  /** Packets in fragments that are followed at a time. @default 16384 */
  readonly maxFragments: number
  /** Flows of a real server that has left are scheduled anew, rather than dropped until it is back. @default false */
  readonly expireNodestConn: boolean
  /** Persistent clients leave a real server whose weight is 0. @default false */
  readonly expireQuiescentTemplate: boolean
  /** When a client that uses its port again is scheduled anew: 0 never, 1 after the end, 2 after a FIN. @default 1 */
  readonly connReuseMode: number
  /** Any segment of TCP may begin a flow, not only a SYN. @default false */
  readonly sloppyTcp: boolean
  /** Any packet of SCTP may begin a flow, not only an INIT. @default false */
  readonly sloppySctp: boolean
  /** A node that is not master of an address leaves its packets to the stack. @default true; IPVS: false */
  readonly backupOnly: boolean
  /** What `fwmark` stands for. @default [] */
  readonly marks: readonly Mark[]
}

/** `mark N { … }`: the packets that count as carrying a mark, for netfilter's marks come after XDP. */
export interface Mark {
  readonly mark: number
  /** At least one. */
  readonly rules: readonly MarkRule[]
}

/** `address RANGE [protocol PROTOCOL] [port PORTS]`: packets to these addresses. */
export interface MarkRule extends AddressRange {
  /** Absent: TCP, UDP and SCTP. */
  readonly protocol?: Protocol
  /** Absent: every port. */
  readonly ports?: PortRange
}

/** Both ends are in it, and of one family. */
export interface AddressRange {
  readonly first: Address
  /** @default first */
  readonly last: Address
}
