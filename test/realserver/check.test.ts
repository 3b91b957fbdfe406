import t from 'tap'
import { type Address, parseAddress } from '../../lib/address.js'
import { formatFinding, type HostView, inspect } from '../../lib/realserver/check.js'
import type { Sysctl } from '../../lib/realserver/sysctl.js'

const vip = parseAddress('10.0.0.1')
const vip6 = parseAddress('2001:db8::1')

/** A host of two interfaces that is as it should be. */
const healthy = {
  links: [
    { index: 1, name: 'lo', up: true, loopback: true, kind: undefined },
    { index: 2, name: 'eth0', up: true, loopback: false, kind: undefined },
    { index: 3, name: 'eth1.7', up: true, loopback: false, kind: 'vlan' },
    { index: 4, name: 'dummy0', up: true, loopback: false, kind: 'dummy' },
  ],
  addresses: [
    { ifindex: 1, address: vip, prefixLength: 32 },
    { ifindex: 2, address: parseAddress('10.0.0.71'), prefixLength: 24 },
  ],
  sysctls: { 'all.arp_ignore': 1, 'all.arp_announce': 2 },
}

type Settings = { [name: string]: number }

function problems(
  changes: Partial<Pick<HostView, 'links' | 'addresses'>> & { sysctls?: Settings },
  vips: readonly Address[] = [vip],
): string[] {
  const { links, addresses, sysctls } = { ...healthy, ...changes }
  const values: Settings = sysctls
  const readSysctl = (sysctl: Sysctl) => values[`${sysctl.interface}.${sysctl.setting}`] ?? 0
  return inspect(vips, { links, addresses, readSysctl }).map(formatFinding)
}

t.test('finds nothing on a host that is as it should be', async t => {
  t.same(problems({}), [])
})

t.test('says what to do about an address that is missing', async t => {
  t.same(problems({ addresses: [] }), [
    'error: address 10.0.0.1: missing, expected 10.0.0.1/32 on lo; run "xdplb realserver up --vip 10.0.0.1"',
  ])
  t.same(problems({}, [vip, vip6]), [
    'error: address 2001:db8::1: missing, expected 2001:db8::1/128 on lo; run "xdplb realserver up --vip 2001:db8::1"',
  ])
})

t.test('says why the prefix must be full', async t => {
  t.same(problems({ addresses: [{ ifindex: 1, address: vip, prefixLength: 24 }] }), [
    'error: address 10.0.0.1: 10.0.0.1/24 on lo, expected 10.0.0.1/32 on lo; ' +
      'with it a whole subnet is said to be on this host: run "ip address delete 10.0.0.1/24 dev lo"',
  ])
})

t.test('finds the VIP on an interface that answers for it', async t => {
  const addresses = [...healthy.addresses, { ifindex: 2, address: vip, prefixLength: 32 }]
  t.same(problems({ addresses }), [
    'error: address 10.0.0.1: 10.0.0.1/32 on eth0, expected 10.0.0.1/32 on lo; ' +
      'this host answers for it, in place of the balancer: run "ip address delete 10.0.0.1/32 dev eth0"',
  ])
})

t.test('takes a dummy interface for as good as lo', async t => {
  t.same(problems({ addresses: [{ ifindex: 4, address: vip, prefixLength: 32 }] }), [])
})

t.test('says what to do about ARP', async t => {
  t.same(problems({ sysctls: {} }), [
    'error: net.ipv4.conf.all.arp_ignore: 0, expected 1; run "xdplb realserver up --vip 10.0.0.1"',
    'error: net.ipv4.conf.all.arp_announce: 0, expected 2; run "xdplb realserver up --vip 10.0.0.1"',
  ])
})

t.test('goes by what the kernel goes by: the greater of all and the interface', async t => {
  const eachInterface = {
    'eth0.arp_ignore': 2,
    'eth1.7.arp_ignore': 1,
    'eth0.arp_announce': 2,
    'eth1.7.arp_announce': 2,
  }
  t.same(problems({ sysctls: eachInterface }), [], 'set on each interface')
  t.match(problems({ sysctls: { ...eachInterface, 'eth0.arp_ignore': 0 } }), [/all\.arp_ignore: 0/])
  t.same(problems({ sysctls: { ...healthy.sysctls, 'eth1.7.arp_ignore': 3 } }), [
    'error: net.ipv4.conf.eth1/7.arp_ignore: 3, expected 1; run "sysctl -w net.ipv4.conf.eth1/7.arp_ignore=1"',
  ])
})

t.test('wants ARP settled also before there is an interface', async t => {
  t.equal(problems({ links: healthy.links.slice(0, 1), sysctls: {} }).length, 2)
})

t.test('asks nothing of ARP for IPv6', async t => {
  t.same(problems({ addresses: [{ ifindex: 1, address: vip6, prefixLength: 128 }], sysctls: {} }, [vip6]), [])
})

t.test('hints at strict reverse path filtering where there is more than one way out', async t => {
  const sysctls = { ...healthy.sysctls, 'eth0.rp_filter': 1, 'eth1.7.rp_filter': 2 }
  t.same(problems({ sysctls }), [
    'hint: rp_filter: 1 (strict) on eth0, expected 2 (loose) if answers leave by another interface than ' +
      'requests come in by; in that case run "sysctl -w net.ipv4.conf.all.rp_filter=2"',
  ])
  t.same(problems({ sysctls, links: healthy.links.slice(0, 2) }), [])
  t.same(problems({ sysctls: { ...sysctls, 'all.rp_filter': 2 } }), [])
})

t.test('finds lo down', async t => {
  const links = healthy.links.map(link => ({ ...link, up: !link.loopback }))
  t.same(problems({ links }), ['error: interface lo: down, expected up; run "ip link set lo up"'])
})
