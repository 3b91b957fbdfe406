import type { ArrayLayout } from '../libbpf/index.js'
import type { LogLine } from './log-line.js'
import type { SpeakerOptions } from './speaker.js'
import type { VrrpState } from './state.js'

/** The cells of the kernel's program that say whether this node balances for an address; see `enum role`. */
export interface RoleCells {
  /** Of the pinned map that has them. */
  readonly path: string
  /** Where they are in its value. */
  readonly array: ArrayLayout
  /** Where the role is in a cell, in words of 32 bits. */
  readonly roleAt: number
  /**
   * Where it says, in words of 64 bits, until when the process answers for the role, in nanoseconds of
   * CLOCK_MONOTONIC: afterwards the kernel's program yields to another master by itself.
   */
  readonly vouchedAt: number
  readonly master: number
  readonly backup: number
}

/** An instance to run, and the cells that follow it. */
export interface InstanceOrder extends SpeakerOptions {
  readonly cells: readonly number[]
}

/** What the VRRP process is told. */
export type Order =
  | { readonly type: 'start'; readonly instances: readonly InstanceOrder[]; readonly roles: RoleCells }
  /** `leave`: the addresses stay, and nobody is told: the next start comes before they are missed. */
  | { readonly type: 'stop'; readonly leave: boolean }

/** What it tells. */
export type Report =
  | { readonly type: 'become'; readonly instance: string; readonly state: VrrpState['state'] }
  | ({ readonly type: 'log'; readonly instance: string } & LogLine)
  | { readonly type: 'stopped' }
