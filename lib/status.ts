/**
 * What a balancer says of itself: `Balancer.status()`, `GET /v1/status` and `xdplb status --json` are this object.
 * Plain JSON: counters are numbers (exact to 2^53), times are ISO 8601 in UTC.
 */
export interface BalancerStatus {
  readonly name: string
  readonly version: string
  readonly pid: number
  readonly startedAt: string
  /** Did this process take over a data plane that an earlier one had left forwarding? */
  readonly adopted: boolean
  /** What became of the flows when this process gave the tables another size; absent if it did not. */
  readonly resized?: ResizeStatus
  /** What an operator should see to. */
  readonly warnings: readonly string[]
  readonly interfaces: readonly InterfaceStatus[]
  readonly vrrp: readonly VrrpStatus[]
  readonly vips: readonly VipStatus[]
  readonly services: readonly ServiceStatus[]
  readonly flowTable: FlowTableStatus
  /** Packets by verdict since the data plane was first loaded; names as in `enum verdict` of bpf/types.h. */
  readonly verdicts: Readonly<Record<string, number>>
  /** What happened beside the verdicts: flows made, evicted, not stored. */
  readonly events: Readonly<Record<string, number>>
}

/** A status of which the longest part is told some services at a time: ten thousand real servers hold up nothing else. */
export interface StatusParts {
  /** All but the services. */
  readonly summary: Omit<BalancerStatus, 'services'>
  readonly services: AsyncIterable<readonly ServiceStatus[]>
}

export interface InterfaceStatus {
  readonly name: string
  /** `missing`: deleted, or another program is in the way; it is attached to when it comes back or changes. */
  readonly state: 'attached' | 'missing'
  readonly mode?: 'native' | 'generic'
  readonly ifindex?: number
  readonly mac?: string
  /**
   * Its card took VLAN tags off frames (ethtool's rxvlan), which hides them from the program: it was told not to, until
   * the program leaves.
   */
  readonly tagStripping?: 'stopped'
}

/** A VRRP instance. */
export interface VrrpStatus {
  readonly instance: string
  readonly state: VrrpStateName
  /** When it became so. */
  readonly since: string
}

/** `INIT`: its process has not told yet. `FAULT`: its interface or its source address is missing. */
export type VrrpStateName = 'INIT' | 'BACKUP' | 'MASTER' | 'FAULT' | 'STOP'

export interface VipStatus {
  readonly address: string
  readonly role: 'master' | 'backup'
}

export interface ServiceStatus {
  /** `10.0.0.1:80/tcp` */
  readonly service: string
  readonly scheduler: string
  /** Absent: not persistent. */
  readonly persistenceSeconds?: number
  readonly traffic: Traffic
  readonly reals: readonly RealStatus[]
}

/**
 * - `up`: takes new flows, if its weight is not 0
 * - `down`: failed its checks
 * - `unresolved`: its MAC address is not known, so it takes no new flow
 * - `removed`: left the service; flows that it has are dropped until they time out (expire_nodest_conn 0)
 */
export type RealState = 'up' | 'down' | 'unresolved' | 'removed'

export interface RealStatus {
  /** `10.0.0.71:80` */
  readonly real: string
  readonly state: RealState
  /** Why it is down or unresolved. */
  readonly reason?: string
  /** `dr`: in a frame to it; `tun`: in a tunnel, IP in IP. */
  readonly forwarding: 'dr' | 'tun'
  readonly weight: number
  /** The one that leads to it. */
  readonly interface?: string
  /** Where its packets are sent: its own, or that of the router on the way. */
  readonly mac?: string
  /** As ipvsadm counts them: ActiveConn and InActConn. */
  readonly active: number
  readonly inactive: number
  readonly traffic: Traffic
}

/** Totals since the data plane was first loaded, and rates over the last seconds. Bytes are of IP. */
export interface Traffic {
  readonly connections: number
  readonly packets: number
  readonly bytes: number
  readonly connectionsPerSecond: number
  readonly packetsPerSecond: number
  readonly bytesPerSecond: number
}

export interface FlowTableStatus {
  readonly flows: number
  readonly slots: number
  readonly templates: number
  readonly templateSlots: number
  /** Kernel memory of both tables. */
  readonly memoryBytes: number
}

export interface ResizeStatus {
  /** Slots that the flow table had before. */
  readonly formerSlots: number
  /** Flows that went on. */
  readonly moved: number
  /** Flows that had to give way: half-open ones first, established ones last. */
  readonly lost: number
}
