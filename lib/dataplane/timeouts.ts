import { TICKS_PER_SECOND } from './clock.js'
import { type FlowState, flowState } from './layout.gen.js'

/** Seconds without a packet after which a flow is forgotten, by its state: IPVS's defaults (ip_vs_proto_tcp.c, _udp.c). */
export const defaultTimeouts: ReadonlyMap<FlowState, number> = new Map([
  ['syn_recv', 60],
  ['established', 900],
  ['fin_wait', 120],
  ['time_wait', 120],
  ['close', 10],
  ['udp_new', 300],
  ['udp', 300],
  ['sctp_init', 4],
  ['sctp_established', 900],
  ['sctp_closing', 60],
])

/** As `struct settings` has them: in ticks, by number of state. */
export function timeoutTable(seconds: ReadonlyMap<FlowState, number>): number[] {
  const table = Array<number>(16).fill(0)
  for (const [state, value] of seconds) table[flowState[state]] = value * TICKS_PER_SECOND
  return table
}
