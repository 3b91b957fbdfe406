import type { Address } from '../address.js'
import type { Endpoint, Protocol } from '../service.js'
import type { Script } from './model.js'
import type { Check } from './model-check.js'

/** `virtual_server_group NAME { … }` */
export interface VirtualServerGroup {
  readonly name: string
  readonly entries: readonly GroupEntry[]
}

/** A range of addresses, or a firewall mark. */
export interface GroupEntry {
  readonly first?: Address
  readonly last?: Address
  /** 0: every port. */
  readonly port: number
  readonly fwmark?: number
  /** Of a mark. */
  readonly family?: 'inet' | 'inet6'
}

/** IPVS's schedulers. */
export type Scheduler =
  | 'rr'
  | 'wrr'
  | 'lc'
  | 'wlc'
  | 'lblc'
  | 'lblcr'
  | 'sh'
  | 'mh'
  | 'dh'
  | 'fo'
  | 'ovf'
  | 'sed'
  | 'nq'
  | 'twos'

export type SchedulerFlag =
  | 'flag-1'
  | 'flag-2'
  | 'flag-3'
  | 'sh-port'
  | 'sh-fallback'
  | 'mh-port'
  | 'mh-fallback'

/** How packets get to a real server. */
export interface Forwarding {
  /** `dr`: a new MAC address; `tun`: wrapped; `nat`: a new destination address. */
  readonly method: 'dr' | 'nat' | 'tun'
  readonly tunnelType?: 'ipip' | 'gue' | 'gre'
  /** UDP port of GUE. */
  readonly tunnelPort?: number
  readonly tunnelChecksum?: 'nocsum' | 'csum' | 'remcsum'
}

/** `virtual_server IP PORT { … }`, `virtual_server fwmark N { … }` or `virtual_server group NAME { … }`. */
export interface VirtualServer {
  /** Exactly one of `address`, `fwmark` and `group` is present. */
  readonly address?: Address
  /** 0: every port. @default 0 */
  readonly port: number
  readonly fwmark?: number
  readonly group?: string
  readonly ipFamily?: 'inet' | 'inet6'
  /** Means nothing with a mark. @default 'udp' */
  readonly protocol: Protocol
  /** @default 'wlc' */
  readonly scheduler: Scheduler
  readonly schedulerFlags: readonly SchedulerFlag[]
  /** Every UDP packet is scheduled for itself. @default false */
  readonly onePacket: boolean
  /** @default { method: 'nat' } */
  readonly forwarding: Forwarding
  /** A client keeps its real server for so long. Absent: no persistence. */
  readonly persistenceTimeoutSeconds?: number
  /** Which bits of its address make a client. Absent: all. */
  readonly persistenceMask?: Address
  /** Between checks. @default 60 */
  readonly delayLoopSeconds: number
  /** Checks of real servers inherit these. @default 5, and absent: as the kind of check has it */
  readonly connectTimeoutSeconds: number
  readonly retry?: number
  readonly delayBeforeRetrySeconds?: number
  readonly warmupSeconds?: number
  /** Failed real servers get weight 0 instead of being removed. @default false */
  readonly inhibitOnFailure: boolean
  /** Real servers count as failed until checked. @default false */
  readonly alpha: boolean
  /** Run `quorumDown` and `notifyDown` when stopping. @default false */
  readonly omega: boolean
  /** Weight of healthy real servers that the service needs. @default 1 */
  readonly quorum: number
  /** @default 0 */
  readonly hysteresis: number
  readonly quorumUp?: Script
  readonly quorumDown?: Script
  /** Of real servers without one. @default 1 */
  readonly weight: number
  /** Check only while the address is on this machine. @default false */
  readonly haSuspend: boolean
  /** Host header of HTTP checks. */
  readonly virtualHost?: string
  /** @default global.smtpAlertChecker, else global.smtpAlert, else false */
  readonly smtpAlert: boolean
  /** Serves while the quorum is lost. */
  readonly sorryServer?: Endpoint
  readonly sorryServerInhibit: boolean
  /** @default forwarding */
  readonly sorryServerForwarding: Forwarding
  /** At least one. */
  readonly realServers: readonly RealServer[]
}

/** `real_server IP [PORT] { … }` */
export interface RealServer extends Endpoint {
  /** 0: no new clients. @default the weight of the virtual server */
  readonly weight: number
  /** @default as the virtual server, as for all that follow */
  readonly forwarding: Forwarding
  readonly inhibitOnFailure: boolean
  readonly alpha: boolean
  readonly connectTimeoutSeconds: number
  readonly retry?: number
  readonly delayBeforeRetrySeconds?: number
  readonly warmupSeconds?: number
  readonly delayLoopSeconds: number
  readonly virtualHost?: string
  /** Connections from which it counts as overloaded; 0: none. @default 0 */
  readonly upperThreshold: number
  /** Connections below which it no longer does; 0: three quarters. @default 0 */
  readonly lowerThreshold: number
  readonly notifyUp?: Script
  readonly notifyDown?: Script
  /** @default global.smtpAlertChecker, else global.smtpAlert, else true */
  readonly smtpAlert: boolean
  /** All must succeed. None: always healthy. */
  readonly checks: readonly Check[]
}
