import type { Event, Verdict } from './dataplane/layout.gen.js'

/** What became of a packet, and why, in a line for people. Machines get the names: `enum verdict` of bpf/types.h. */
const verdicts = {
  pass_ethertype: 'passed up: neither IPv4 nor IPv6',
  pass_not_vip: 'passed up: not for a virtual address',
  pass_malformed: 'passed up: its headers contradict its length',
  pass_not_ours: 'passed up: in a frame for another station',
  pass_backup: 'passed up: another node is master of the address',
  pass_fragment: 'passed up: a fragment whose first one was not seen',
  pass_protocol: 'passed up: neither TCP nor UDP nor SCTP',
  pass_icmp_no_flow: 'passed up: an ICMP error about no connection that is known',
  pass_no_service: 'passed up: no virtual server has that port',
  pass_no_flow: 'passed up: in mid-connection, and the connection is not known',
  pass_local: 'passed up: its real server is this node',
  drop_no_real: 'dropped: no real server takes new connections, and nobody may be told now',
  drop_real_removed: 'dropped: its real server has left the service',
  drop_no_neighbour: 'dropped: the MAC address of its real server is not known',
  drop_conflict: 'dropped: a connection with the same signature has its place',
  drop_arp: 'dropped: ARP for an address that was yielded to another master',
  drop_ttl: 'dropped: TTL spent, and nobody may be told now',
  drop_too_big: 'dropped: too big for the way to its real server, and nobody may be told now',
  drop_no_headroom: 'dropped: the driver leaves no room in front of a frame for a tunnel or more VLAN tags',
  tx_no_real: 'answered: no real server takes new connections (ICMP port unreachable)',
  tx_too_big: 'answered: too big for the way to its real server (ICMP too big)',
  tx_time_exceeded: 'answered: TTL spent (ICMP time exceeded)',
  tx: 'sent to a real server, by the interface it came in by',
  redirect: 'sent to a real server, by another interface',
} as const satisfies Record<Verdict, string>

const events = {
  flow_made: 'connections remembered',
  evicted_unconfirmed: 'half-open connections forgotten to make room',
  evicted_closing: 'closing connections forgotten to make room',
  evicted_confirmed: 'established connections forgotten to make room: raise max_flows',
  flow_not_stored: 'connections forwarded but not remembered: lost two races for a place',
  template_made: 'persistence templates made',
  template_evicted: 'persistence templates forgotten to make room',
  flow_moved: 'connections moved to tables of another size',
  flow_not_moved: 'connections forgotten because tables of another size had no room for them',
  vip_yielded: 'addresses yielded to another master while VRRP was not running',
  trace_lost: 'decisions that a trace had no room for',
} as const satisfies Record<Event, string>

const phrases = new Map<string, string>([...Object.entries(verdicts), ...Object.entries(events)])

/** What a packet that was only asked about would get: the interface that it comes in by is not known. */
export const wouldBeSent = 'sent to a real server'

/** Why a packet went where it went, or what else happened; of a name that a newer balancer has, the name. */
export function phraseOf(name: string): string {
  return phrases.get(name) ?? name
}
