import { rule } from './layout.gen.js'

/** IPVS's sysctls as far as they make sense where only the client's side is seen (Documentation/networking/ipvs-sysctl). */
export interface Rules {
  /** Flows of a real that has left are scheduled anew, rather than dropped until it is back. @default false */
  readonly expireNodestConn: boolean
  /** Persistent clients leave a real whose weight is 0. @default false */
  readonly expireQuiescentTemplate: boolean
  /** 0: a SYN never leaves its flow's real; 1: unless the flow is closed; 2: unless it is closing. @default 1 */
  readonly connReuseMode: number
  /** Any segment may begin a flow. @default false */
  readonly sloppyTcp: boolean
  /** Any chunk may. @default false */
  readonly sloppySctp: boolean
  /** A node that is not master of an address passes its packets up. @default true, unlike IPVS */
  readonly backupOnly: boolean
}

export const defaultRules: Rules = {
  expireNodestConn: false,
  expireQuiescentTemplate: false,
  connReuseMode: 1,
  sloppyTcp: false,
  sloppySctp: false,
  backupOnly: true,
}

/** As `struct settings` has them. */
export function encodeRules(rules: Rules): number {
  const bit = (holds: boolean, value: number) => (holds ? value : 0)
  return (
    bit(rules.expireNodestConn, rule.expire_nodest_conn) |
    bit(rules.expireQuiescentTemplate, rule.expire_quiescent_template) |
    bit((rules.connReuseMode & 1) !== 0, rule.conn_reuse) |
    bit((rules.connReuseMode & 2) !== 0, rule.conn_reuse_fin_wait) |
    bit(rules.sloppyTcp, rule.sloppy_tcp) |
    bit(rules.sloppySctp, rule.sloppy_sctp) |
    bit(!rules.backupOnly, rule.any_role)
  )
}
