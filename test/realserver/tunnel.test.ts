import t from 'tap'
import { type Address, parseAddress } from '../../lib/address.js'
import { formatFinding, inspect } from '../../lib/realserver/check.js'
import type { Sysctl } from '../../lib/realserver/sysctl.js'
import { inspectTunnels } from '../../lib/realserver/tunnel.js'

const vip = parseAddress('10.0.0.1')
const vip6 = parseAddress('2001:db8::1')

const tunl0 = { index: 3, name: 'tunl0', up: true, loopback: false, kind: 'ipip' }
const sit0 = { index: 4, name: 'sit0', up: true, loopback: false, kind: 'sit' }
const ip6tnl0 = { index: 5, name: 'ip6tnl0', up: true, loopback: false, kind: 'ip6tnl' }

type Tunnel = typeof tunl0

/** A host with these tunnels, whose VIPs are on lo. */
function hostWith(tunnels: readonly Tunnel[], sysctls: { readonly [name: string]: number } = {}) {
  const lo = { index: 1, name: 'lo', up: true, loopback: true, kind: undefined }
  const eth0 = { index: 2, name: 'eth0', up: true, loopback: false, kind: undefined }
  const values: typeof sysctls = { 'all.arp_ignore': 1, 'all.arp_announce': 2, ...sysctls }
  return {
    links: [lo, eth0, ...tunnels],
    addresses: [{ ifindex: 1, address: vip, prefixLength: 32 }],
    readSysctl: (sysctl: Sysctl) => values[`${sysctl.interface}.${sysctl.setting}`] ?? 0,
  }
}

function problems(vips: readonly Address[], ...host: Parameters<typeof hostWith>): string[] {
  return inspectTunnels(vips, hostWith(...host)).map(formatFinding)
}

t.test('a host unwraps what comes in tunnels if an interface of the kind is up', async t => {
  t.same(problems([vip, vip6], [tunl0, sit0]), [])
  t.same(problems([vip, vip6], [ip6tnl0]), [], 'one for both, from an IPv6 address')
})

t.test('says which interface is missing, and how to get it', async t => {
  t.same(problems([vip, vip6], [sit0]), [
    'error: tunnels with IPv4 in them: no interface that unwraps them is up, expected tunl0, or ip6tnl0 if the balancer ' +
      'has an IPv6 address of this host; run "modprobe ipip; ip link set tunl0 up"',
  ])
  t.match(problems([vip6], [{ ...sit0, up: false }]), [/IPv6 in them.*expected sit0/])
})

t.test('says that strict reverse path filtering drops what comes out', async t => {
  t.same(problems([vip], [tunl0], { 'all.rp_filter': 1 }), [
    'error: net.ipv4.conf.tunl0.rp_filter: 1 (strict), expected 2 (loose); run "sysctl -w net.ipv4.conf.tunl0.rp_filter=2"',
  ])
  t.same(problems([vip], [tunl0], { 'all.rp_filter': 1, 'tunl0.rp_filter': 2 }), [])
  t.same(problems([vip6], [sit0], { 'all.rp_filter': 1 }), [], 'which is of IPv4')
})

t.test('a tunnel answers no ARP: the VIP may be on it', async t => {
  const onTunnel = [{ ifindex: 3, address: vip, prefixLength: 32 }]
  t.same(inspect([vip], { ...hostWith([tunl0]), addresses: onTunnel }), [])
})
