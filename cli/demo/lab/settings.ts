import { existsSync, writeFileSync } from 'node:fs'

/** Values by their path below /proc/sys/net. */
type Settings = Readonly<{ [path: string]: number }>

/**
 * A host as the kernel would have it: a new namespace begins with what the machine has set for IPv4
 * (net.core.devconf_inherit_init_net). And a quiet one: it makes no IPv6 address up and asks for no router, so that
 * a capture shows what a test does; the addresses that it is given can be used at once.
 */
export const hostSettings: Settings = {
  'ipv4/ip_forward': 0,
  'ipv4/conf/all/arp_ignore': 0,
  'ipv4/conf/all/arp_announce': 0,
  'ipv4/conf/all/rp_filter': 0,
  'ipv4/conf/default/arp_ignore': 0,
  'ipv4/conf/default/arp_announce': 0,
  'ipv4/conf/default/rp_filter': 0,
  'ipv6/conf/default/addr_gen_mode': 1,
  'ipv6/conf/default/accept_ra': 0,
  'ipv6/conf/default/accept_dad': 0,
}

/** A switch has no addresses. */
export const switchSettings: Settings = {
  'ipv6/conf/all/disable_ipv6': 1,
  'ipv6/conf/default/disable_ipv6': 1,
}

/** Applies settings to the thread's network namespace; those for IPv6 only where the kernel has it. */
export function applySettings(settings: Settings): void {
  for (const [path, value] of Object.entries(settings)) {
    const file = `/proc/sys/net/${path}`
    if (existsSync(file)) writeFileSync(file, `${value}`)
  }
}
