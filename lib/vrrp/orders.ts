import type { LogLine } from './log-line.js'
import type { SpeakerOptions } from './speaker.js'
import type { VrrpState } from './state.js'

/** The cells of the kernel's program that say whether this node balances for an address; see `enum role`. */
export interface RoleCells {
  /** Of the pinned map. */
  readonly path: string
  /**
   * Of another, with a u64 a cell: until then, in nanoseconds of CLOCK_MONOTONIC, the process answers for the cell.
   * Afterwards the kernel's program yields to another master by itself.
   */
  readonly vouchedPath: string
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
