import type { Announcement } from './announcements.js'
import type { LogLine } from './log-line.js'
import type { Heard } from './receive.js'

/**
 * What an instance is, and all that it is waiting for: every `…At` is a moment of the clock that inputs tell, or
 * `never`. Nothing else is remembered, so there is no timer to forget.
 */
export type VrrpState = Idle | Backup | Master | Faulty

export const never = Number.POSITIVE_INFINITY

/** Not started yet, or stopped. */
export interface Idle {
  readonly state: 'INIT' | 'STOP'
}

/** Somebody else is master, or the addresses are up for election. */
export interface Backup {
  readonly state: 'BACKUP'
  /** When the master counts as dead. */
  readonly downAt: number
  /** Since a master of lower priority was heard: when `preempt_delay` is over. */
  readonly preemptAt: number
  /** The last who was heard. */
  readonly master?: Heard
  /** Master_Adver_Interval, RFC 5798 §6.1. */
  readonly masterIntervalMs: number
  /**
   * The addresses are still here: this node was master when the process before this one died. They serve clients
   * until another master is heard.
   */
  readonly inherited: boolean
}

/** This node owns the addresses. */
export interface Master {
  readonly state: 'MASTER'
  readonly advertAt: number
  readonly announcements: readonly Announcement[]
  /** When an address that somebody took away is put back. */
  readonly restoreAt: number
  /** Not before this. */
  readonly restoreFrom: number
}

/** Something is broken that this node needs to be master. */
export interface Faulty {
  readonly state: 'FAULT'
  readonly faults: ReadonlySet<Fault>
}

/** `link`: its interface is down or gone; `source`: the address that adverts come from is. Tracked things will join. */
export type Fault = 'link' | 'source'

/** What happens to an instance. */
export type Happening =
  | { readonly type: 'start'; readonly faults?: Iterable<Fault>; readonly inherited?: boolean }
  /** It is time: see `nextDeadline`. To be told after the packets that are waiting, so that they count as in time. */
  | { readonly type: 'timer' }
  | { readonly type: 'advert'; readonly heard: Heard }
  | { readonly type: 'fault'; readonly fault: Fault }
  | { readonly type: 'recovery'; readonly fault: Fault }
  /** Somebody else took one of the addresses away. */
  | { readonly type: 'addressLost' }
  | { readonly type: 'stop' }

/** It happens `at` so many milliseconds of a clock that never goes back. */
export type Input = Happening & { readonly at: number }

/** What is to be done, in the order given. */
export type Action =
  /** An advert, to the group or to each peer: see `encodeOutgoing`. */
  | { readonly type: 'send'; readonly priority: number }
  /** All of them; those that are there stay. */
  | { readonly type: 'addAddresses' }
  | { readonly type: 'removeAddresses' }
  /** Gratuitous ARP: so many times over all addresses. */
  | { readonly type: 'announce'; readonly times: number }
  /** Gratuitous ARP for the source address, so that unicast peers find us. */
  | { readonly type: 'announceSource' }
  /** For scripts, mail, listeners. */
  | { readonly type: 'become'; readonly state: VrrpState['state'] }
  | { readonly type: 'event'; readonly event: 'MASTER_RX_LOWER_PRI' }
  | ({ readonly type: 'log' } & LogLine)

/** What comes out of an input: the next state, and what is to be done. */
export type Step = readonly [VrrpState, readonly Action[]]
