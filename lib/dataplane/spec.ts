import type { Address } from '../address.js'
import type { Match, Protocol } from '../service.js'

export type { Match, PortRange } from '../service.js'

/**
 * A virtual server as the data plane is told of it: one service, however many addresses and ports it has. Values have
 * been validated: nothing is checked here again.
 */
export interface ServiceSpec {
  /** As everywhere: `10.0.0.1:80/tcp`, `fwmark 5`, `group web/tcp` (lib/service.ts). No two services share one. */
  readonly name: string
  /** What packets are its own. No two services share one. Marked ones come before a port, that before all ports. */
  readonly matches: readonly Match[]
  readonly scheduler: Scheduler
  readonly schedulerFlags: SchedulerFlags
  /** Every UDP packet is scheduled for itself, and no flow is made. */
  readonly onePacket: boolean
  readonly persistence: Persistence | undefined
  /** In the order in which they are added to the scheduler's list: see `listed()`. */
  readonly reals: readonly RealSpec[]
}

/** IPVS's schedulers. */
export type Scheduler =
  | 'rr'
  | 'wrr'
  | 'lc'
  | 'wlc'
  | 'sh'
  | 'mh'
  | 'dh'
  | 'fo'
  | 'ovf'
  | 'sed'
  | 'nq'
  | 'lblc'
  | 'lblcr'
  | 'twos'

/** Of `sh` and `mh`. */
export interface SchedulerFlags {
  /** The client's port is hashed with its address. */
  readonly port: boolean
  /** A client whose real takes no flows goes to another one. */
  readonly fallback: boolean
}

/** IANA's numbers of the protocols that are balanced. */
export const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const satisfies Record<Protocol, number>

export interface Persistence {
  readonly seconds: number
  /** An IPv4 netmask or an IPv6 one: clients alike under it are one client. */
  readonly granularity: Address
}

/** How packets get to a real: in a frame to its MAC address, or in a tunnel (IP in IP) to wherever routes lead. */
export type Forwarding = 'dr' | 'tun'

export interface RealSpec {
  readonly address: Address
  /** 0: the packet's own. */
  readonly port: number
  /** 0: gets no new flows. */
  readonly weight: number
  readonly forwarding: Forwarding
  /** Flows from which it takes no new ones; 0: no bound. */
  readonly upperThreshold: number
  /** Flows below which it takes them again; 0: three quarters of the upper threshold. */
  readonly lowerThreshold: number
}
