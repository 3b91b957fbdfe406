import type { Link } from '../../lib/net/netlink/link.js'
import { balancerMac } from './packet.js'

/** An interface with what a test says of it; the rest is an ordinary card's that is up. */
export function linkWith(said: Partial<Link> & Pick<Link, 'index' | 'name'>): Link {
  return {
    mac: balancerMac,
    mtu: 1500,
    up: true,
    running: true,
    loopback: false,
    operationalState: 'up',
    master: undefined,
    lower: undefined,
    kind: said.vlan && 'vlan',
    vlan: undefined,
    xdp: undefined,
    ...said,
  }
}
