import type { Address } from '../address.js'
import type { ScriptUser } from './model.js'

/** How a real server shows that it is healthy. */
export type Check = TcpCheck | HttpCheck | SmtpCheck | DnsCheck | UdpCheck | PingCheck | MiscCheck

/** What checks of all kinds have. Without a setting they take that of the real server. */
export interface CommonCheck {
  /** Failures that are forgiven. @default 1; DNS 3, MISC 0 */
  readonly retry: number
  /** @default 1; HTTP 3, DNS delayLoopSeconds */
  readonly delayBeforeRetrySeconds: number
  /** The first check waits for up to so long. @default delayLoopSeconds */
  readonly warmupSeconds: number
  readonly delayLoopSeconds: number
  /** Failed until it has succeeded. */
  readonly alpha: boolean
  /** @default false */
  readonly logAllFailures: boolean
}

/** What checks over the network have. */
export interface NetworkCheck extends CommonCheck {
  /** @default the address of the real server */
  readonly connectAddress: Address
  /** @default the port of the real server */
  readonly connectPort: number
  readonly bindAddress?: Address
  readonly bindPort?: number
  readonly bindInterface?: string
  readonly connectTimeoutSeconds: number
  /** 0: none. @default 0 */
  readonly fwmark: number
}

/** `TCP_CHECK { … }` */
export interface TcpCheck extends NetworkCheck {
  readonly type: 'tcp'
}

/** `PING_CHECK { … }` */
export interface PingCheck extends NetworkCheck {
  readonly type: 'ping'
}

/** `HTTP_GET { … }`, `SSL_GET { … }` */
export interface HttpCheck extends NetworkCheck {
  readonly type: 'http' | 'ssl'
  /** `1.0C` is 1.0 with `Connection: close`. @default '1.0' */
  readonly httpProtocol: '1.0' | '1.0C' | '1.1'
  /** Host header. @default as the real server has it */
  readonly virtualHost?: string
  /** @default false */
  readonly enableSni: boolean
  readonly sniName?: string
  /** @default false */
  readonly fastRecovery: boolean
  /** At least one; all must succeed. */
  readonly urls: readonly HttpUrl[]
}

/** `url { … }` */
export interface HttpUrl {
  readonly path: string
  /** MD5 of the body, 32 hexadecimal digits in lower case. */
  readonly digest?: string
  /** @default 200..299 */
  readonly statusCodes: readonly StatusRange[]
  /** @default as the check has it */
  readonly virtualHost?: string
}

/** Both ends belong to it. */
export interface StatusRange {
  readonly from: number
  readonly to: number
}

/** `SMTP_CHECK { … }` */
export interface SmtpCheck extends NetworkCheck {
  readonly type: 'smtp'
  /** @default 'smtpchecker.keepalived.org' */
  readonly heloName: string
}

/** `DNS_CHECK { … }` */
export interface DnsCheck extends NetworkCheck {
  readonly type: 'dns'
  /** @default 'SOA' */
  readonly queryType: DnsType
  /** @default '.' */
  readonly name: string
}

export type DnsType = 'A' | 'NS' | 'CNAME' | 'SOA' | 'MX' | 'TXT' | 'AAAA' | 'RRSIG' | 'DNSKEY'

/** `UDP_CHECK { … }` */
export interface UdpCheck extends NetworkCheck {
  readonly type: 'udp'
  /** What is sent, as hexadecimal digits. Absent: keepalived's own text. */
  readonly payload?: string
  /** What must come back: hexadecimal digits, `X` for any; empty: anything. Absent: silence is healthy too. */
  readonly reply?: string
  /** Bytes. @default 0 */
  readonly minReplyLength: number
  /** Bytes. @default 255 */
  readonly maxReplyLength: number
}

/** `MISC_CHECK { … }` */
export interface MiscCheck extends CommonCheck {
  readonly type: 'misc'
  readonly argv: readonly string[]
  readonly user?: ScriptUser
  /** @default delayLoopSeconds */
  readonly timeoutSeconds: number
  /** The exit status says the weight. @default false */
  readonly dynamic: boolean
}
