import { TICKS_PER_SECOND } from './clock.js'
import { type FlowState, flowState } from './layout.gen.js'

/** Seconds without a packet after which a flow is forgotten, by its state: IPVS's defaults (ip_vs_proto_tcp.c, _udp.c, _sctp.c). */
export const defaultTimeouts: ReadonlyMap<FlowState, number> = new Map([
  ['syn_recv', 60],
  ['established', 900],
  ['fin_wait', 120],
  ['time_wait', 120],
  ['close', 10],
  ['udp_new', 300],
  ['udp', 300],
  ['sctp_init1', 4],
  ['sctp_init', 61],
  ['sctp_cookie_echoed', 61],
  ['sctp_established', 900],
  ['sctp_shutdown_received', 61],
  ['sctp_closed', 61],
])

/** What `ipvsadm --set` can change. Absent or 0: as it is by default. */
export interface Timeouts {
  readonly tcpSeconds?: number
  readonly tcpFinSeconds?: number
  readonly udpSeconds?: number
}

/** The defaults with these in their place. */
export function withTimeouts({ tcpSeconds, tcpFinSeconds, udpSeconds }: Timeouts): Map<FlowState, number> {
  const wanted: [FlowState, number | undefined][] = [
    ['established', tcpSeconds],
    ['fin_wait', tcpFinSeconds],
    ['udp_new', udpSeconds],
    ['udp', udpSeconds],
  ]
  const timeouts = new Map(defaultTimeouts)
  for (const [state, seconds] of wanted) if (seconds) timeouts.set(state, seconds)
  return timeouts
}

/** As `struct settings` has them: in ticks, by number of state. */
export function timeoutTable(seconds: ReadonlyMap<FlowState, number>): number[] {
  const table = Array<number>(16).fill(0)
  for (const [state, value] of seconds) table[flowState[state]] = value * TICKS_PER_SECOND
  return table
}
