import type { VirtualServer, VirtualServerGroup } from './model-service.js'
import type { Tuning } from './model-tuning.js'
import type { VrrpInstance, VrrpScript, VrrpSyncGroup } from './model-vrrp.js'

export type { Endpoint } from '../service.js'
export type * from './model-check.js'
export type * from './model-service.js'
export type * from './model-tuning.js'
export type * from './model-vrrp.js'

/**
 * What keepalived.conf says, as plain data: complete, checked, defaults and inheritance filled in. A field that
 * says nothing is absent. Times are in seconds, as in the file, with at most microseconds behind the point.
 */
export interface Config {
  readonly global: Global
  readonly vrrpScripts: readonly VrrpScript[]
  readonly vrrpInstances: readonly VrrpInstance[]
  readonly vrrpSyncGroups: readonly VrrpSyncGroup[]
  readonly virtualServerGroups: readonly VirtualServerGroup[]
  readonly virtualServers: readonly VirtualServer[]
  readonly xdplb: Tuning
}

/** `global_defs { … }` */
export interface Global {
  /** Who gets mail. @default [] */
  readonly notificationEmail: readonly string[]
  /** Absent: user@host of this machine. */
  readonly notificationEmailFrom?: string
  readonly smtpServer?: SmtpServer
  /** @default 30 */
  readonly smtpConnectTimeoutSeconds: number
  /** Absent: the name of this host. */
  readonly smtpHeloName?: string
  /** Names this node in mail. Absent: the name of this host. */
  readonly routerId?: string
  /** Mail of everything that has no setting of its own. */
  readonly smtpAlert?: boolean
  readonly smtpAlertVrrp?: boolean
  readonly smtpAlertChecker?: boolean
  /** For instances without `interface`. @default 'eth0' */
  readonly defaultInterface: string
  /** Of IPv4 instances without `version`. @default 2 */
  readonly vrrpVersion: 2 | 3
  /** Between the two bursts of gratuitous ARP after becoming master. @default 5 */
  readonly vrrpGarpMasterDelaySeconds: number
  /** Announcements in a burst. @default 5 */
  readonly vrrpGarpMasterRepeat: number
  /** Between announcements while master; 0: none. @default 0 */
  readonly vrrpGarpMasterRefreshSeconds: number
  /** @default 1 */
  readonly vrrpGarpMasterRefreshRepeat: number
  /** @default vrrpGarpMasterDelaySeconds */
  readonly vrrpGarpLowerPrioDelaySeconds: number
  /** @default vrrpGarpMasterRepeat */
  readonly vrrpGarpLowerPrioRepeat: number
  /** Between two gratuitous ARP messages on one interface. Absent: no wait. */
  readonly vrrpGarpIntervalSeconds?: number
  /** The same for unsolicited neighbour advertisements. */
  readonly vrrpGnaIntervalSeconds?: number
  /** Follow the RFC to the letter. @default false */
  readonly vrrpStrict: boolean
  /** Compare addresses only in the first advertisement of a new master. @default false */
  readonly vrrpSkipCheckAdvAddr: boolean
  /** Absent: IPVS's defaults. */
  readonly lvsTimeouts?: LvsTimeouts
  readonly scriptUser?: ScriptUser
  /** Refuse scripts that others than root may change. @default false */
  readonly enableScriptSecurity: boolean
}

export interface SmtpServer {
  /** An address or a name. */
  readonly host: string
  /** @default 25 */
  readonly port: number
}

/** How long a flow lives without a packet. Absent or 0: as IPVS has it. */
export interface LvsTimeouts {
  /** Of established connections. IPVS: 900 */
  readonly tcpSeconds?: number
  /** After a FIN. IPVS: 120 */
  readonly tcpFinSeconds?: number
  /** IPVS: 300 */
  readonly udpSeconds?: number
}

/** Who runs scripts. */
export interface ScriptUser {
  readonly user: string
  /** With `:` before it, the user's supplementary groups too. Absent: the group of the user. */
  readonly group?: string
}

/** A command to run on an event. */
export interface Script extends Partial<ScriptUser> {
  /** The program and its arguments, without a shell. */
  readonly argv: readonly string[]
}
