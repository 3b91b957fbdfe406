import type { Address } from '../address.js'
import type { Script, ScriptUser } from './model.js'

/** `vrrp_instance NAME { … }`: a set of addresses that one of several nodes owns. */
export interface VrrpInstance {
  readonly name: string
  /** How it would like to start. @default 'MASTER' with priority 255, else 'BACKUP' */
  readonly state: 'MASTER' | 'BACKUP'
  /** @default global.defaultInterface */
  readonly interface: string
  /** VRID, 1..255. */
  readonly virtualRouterId: number
  /** 1..255; 255 is the owner of the addresses. @default 255 with state MASTER, else 100 */
  readonly priority: number
  /** Whole seconds in version 2, hundredths in version 3. @default 1 */
  readonly advertIntervalSeconds: number
  /** @default 3 with IPv6 addresses, else global.vrrpVersion */
  readonly version: 2 | 3
  readonly authentication?: Authentication
  /** In advertisements; all of one family. */
  readonly virtualAddresses: readonly VirtualAddress[]
  /** Owned with the others, not in advertisements; of either family. */
  readonly excludedAddresses: readonly VirtualAddress[]
  /** Take over from a master of lower priority. @default true */
  readonly preempt: boolean
  /** Wait before taking over. @default 0 */
  readonly preemptDelaySeconds: number
  readonly unicastSource?: Address
  /** Advertisements go to these instead of the multicast group. @default [] */
  readonly unicastPeers: readonly UnicastPeer[]
  /** @default global.vrrpGarpMasterDelaySeconds, and so on */
  readonly garpMasterDelaySeconds: number
  readonly garpMasterRepeat: number
  readonly garpMasterRefreshSeconds: number
  readonly garpMasterRefreshRepeat: number
  readonly garpLowerPrioDelaySeconds: number
  readonly garpLowerPrioRepeat: number
  readonly trackInterfaces: readonly TrackedInterface[]
  readonly trackScripts: readonly TrackedScript[]
  readonly notifyMaster?: Script
  readonly notifyBackup?: Script
  readonly notifyFault?: Script
  readonly notifyStop?: Script
  /** Run on every change, with kind, name, state and priority as last arguments. */
  readonly notify?: Script
  /** @default global.smtpAlertVrrp, else global.smtpAlert, else false */
  readonly smtpAlert: boolean
}

/** `authentication { … }` of version 2. */
export interface Authentication {
  readonly type: 'PASS' | 'AH'
  /** At most 8 bytes: what the protocol carries. */
  readonly password: string
}

/** A line of `virtual_ipaddress { … }`. */
export interface VirtualAddress {
  readonly address: Address
  /** @default 32, in IPv6 128 */
  readonly prefixLength: number
  /** An address; `+` for the last of the network, `-` for the first. Absent: none. */
  readonly broadcast?: string
  /** Absent: the interface of the instance. */
  readonly device?: string
  /** `host`, `link`, `global`, `site` or a number. */
  readonly scope?: string
  readonly label?: string
  /** Of a point-to-point link. */
  readonly peer?: string
  readonly home: boolean
  readonly noDad: boolean
  readonly manageTemporary: boolean
  readonly noPrefixRoute: boolean
  readonly autoJoin: boolean
  /** Its loss does not concern the instance. */
  readonly noTrack: boolean
  /** Seconds or `forever`. */
  readonly preferredLifetime?: string
  readonly useVmac: boolean
}

/** A line of `unicast_peer { … }`. */
export interface UnicastPeer {
  readonly address: Address
  /** Advertisements with a lower TTL are dropped. */
  readonly minTtl?: number
  readonly maxTtl?: number
}

/** What a tracker adds to the priority. */
export interface Weight {
  /** -253..253: added while good if positive, while bad if negative; 0: bad is a fault of the instance. */
  readonly value: number
  /** Good and bad change places. Absent: no, or as the script has it. */
  readonly reverse?: boolean
}

/** A line of `track_interface { … }`. */
export interface TrackedInterface {
  readonly name: string
  /** @default { value: 0 } */
  readonly weight: Weight
}

/** A line of `track_script { … }`. */
export interface TrackedScript {
  readonly name: string
  /** Absent: as the script has it. */
  readonly weight?: Weight
}

/** `vrrp_sync_group NAME { … }`: instances that change state together. */
export interface VrrpSyncGroup {
  readonly name: string
  readonly instances: readonly string[]
  readonly trackInterfaces: readonly TrackedInterface[]
  readonly trackScripts: readonly TrackedScript[]
  readonly notifyMaster?: Script
  readonly notifyBackup?: Script
  readonly notifyFault?: Script
  readonly notifyStop?: Script
  readonly notify?: Script
  /** @default global.smtpAlertVrrp, else global.smtpAlert, else false */
  readonly smtpAlert: boolean
  /** Weights of trackers count although the priorities of members then differ. @default false */
  readonly trackingWeight: boolean
}

/** `vrrp_script NAME { … }`: a command whose exit status changes priorities. */
export interface VrrpScript {
  readonly name: string
  readonly argv: readonly string[]
  /** @default 1 */
  readonly intervalSeconds: number
  /** @default intervalSeconds */
  readonly timeoutSeconds: number
  /** @default { value: 0 } */
  readonly weight: Weight
  /** Successes in a row that make it good. @default 1 */
  readonly rise: number
  /** @default 1 */
  readonly fall: number
  readonly user?: ScriptUser
  /** Bad until it has run. @default false */
  readonly initFail: boolean
}
