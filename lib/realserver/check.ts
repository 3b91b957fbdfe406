import type { Address } from '../address.js'
import { familyOf } from '../address.js'
import type { InterfaceAddress } from '../net/netlink/address.js'
import type { Link } from '../net/netlink/link.js'
import { Netlink } from '../net/netlink/netlink.js'
import { arpRules, effective, formatSysctl, readSysctl, type SysctlReader } from './sysctl.js'
import { inspectTunnels, isTunnel } from './tunnel.js'
import { fullPrefixLength } from './vip.js'

/** Something that keeps this host from serving the VIPs by direct routing, or out of a tunnel. */
export interface RealserverFinding {
  /** A `hint` may be as it should be. */
  readonly severity: 'error' | 'hint'
  readonly subject: string
  readonly found: string
  readonly expected: string
  /** What to do next. */
  readonly advice: string
}

/** What a host says of itself. */
export interface HostView extends SysctlReader {
  readonly links: ReadonlyArray<Pick<Link, 'index' | 'name' | 'up' | 'loopback' | 'kind'>>
  readonly addresses: ReadonlyArray<Pick<InterfaceAddress, 'ifindex' | 'address' | 'prefixLength'>>
}

export interface RealserverCheckOptions {
  readonly vips: readonly Address[]
  /** Do their packets come in tunnels (`lvs_method TUN`)? @default false */
  readonly tunnel?: boolean
}

/** What is wrong for these VIPs in the network namespace of the calling thread; nothing, if the list is empty. */
export function realserverCheck({
  vips,
  tunnel = false,
}: RealserverCheckOptions): readonly RealserverFinding[] {
  using netlink = Netlink.open()
  const host = { links: netlink.links(), addresses: netlink.addresses(), readSysctl }
  return [...inspect(vips, host), ...(tunnel ? inspectTunnels(vips, host) : [])]
}

/** `error: address 10.0.0.1: missing, expected 10.0.0.1/32 on lo; run "xdplb realserver up --vip 10.0.0.1"` */
export function formatFinding(finding: RealserverFinding): string {
  const { severity, subject, found, expected, advice } = finding
  return `${severity}: ${subject}: ${found}, expected ${expected}; ${advice}`
}

/** {@link realserverCheck} of a host that is looked at already. */
export function inspect(vips: readonly Address[], host: HostView): RealserverFinding[] {
  const ipv4 = vips.filter(vip => familyOf(vip) === 4)
  return [
    ...checkLoopback(host),
    ...vips.flatMap(vip => [...checkPresence(vip, host), ...checkPlaces(vip, host)]),
    ...(ipv4.length > 0 ? [...checkArp(ipv4, host), ...checkReversePath(host)] : []),
  ]
}

function checkLoopback({ links }: HostView): RealserverFinding[] {
  const lo = links.find(({ loopback }) => loopback)
  return lo?.up ? [] : [error('interface lo', 'down', 'up', 'run "ip link set lo up"')]
}

function checkPresence(vip: Address, { links, addresses }: HostView): RealserverFinding[] {
  const isThere = addresses.some(
    ({ address, ifindex }) => address === vip && links.some(link => link.index === ifindex && isSilent(link)),
  )
  if (isThere) return []
  return [error(`address ${vip}`, 'missing', `${inFull(vip)} on lo`, `run "${commandUp([vip])}"`)]
}

function checkPlaces(vip: Address, { links, addresses }: HostView): RealserverFinding[] {
  return addresses
    .filter(({ address }) => address === vip)
    .flatMap(({ ifindex, prefixLength }) => {
      const link = links.find(({ index }) => index === ifindex)
      if (link === undefined) return [] // came after the links were listed
      const reason = !isSilent(link)
        ? 'this host answers for it, in place of the balancer'
        : prefixLength !== fullPrefixLength(vip)
          ? 'with it a whole subnet is said to be on this host'
          : undefined
      if (reason === undefined) return []
      const place = `${vip}/${prefixLength} dev ${link.name}`
      const advice = `${reason}: run "ip address delete ${place}"`
      return [
        error(`address ${vip}`, `${vip}/${prefixLength} on ${link.name}`, `${inFull(vip)} on lo`, advice),
      ]
    })
}

/** What counts is what the kernel goes by on each interface, wherever that is set. */
function checkArp(vips: readonly Address[], host: HostView): RealserverFinding[] {
  const outside = outsideOf(host)
  return arpRules.flatMap(({ setting, wanted, accepted }) => {
    const isGood = (value: number) => accepted.some(good => good === value)
    const finding = (name: string, advice: (sysctl: string) => string) => {
      const sysctl = { interface: name, setting }
      const text = formatSysctl(sysctl)
      return error(text, `${host.readSysctl(sysctl)}`, `${wanted}`, advice(text))
    }
    const bad = outside.filter(name => !isGood(effective({ interface: name, setting }, host)))
    if (isGood(host.readSysctl({ interface: 'all', setting }))) {
      return bad.map(name => finding(name, sysctl => `run "sysctl -w ${sysctl}=${wanted}"`))
    }
    // An operator may have set it on each interface; then there is at least one.
    const isMadeUpFor = outside.length > 0 && bad.length === 0
    return isMadeUpFor ? [] : [finding('all', () => `run "${commandUp(vips)}"`)]
  })
}

/** ip-sysctl.rst: strict mode drops, without a word, what did not come in by the interface that leads back. */
function checkReversePath(host: HostView): RealserverFinding[] {
  const outside = outsideOf(host)
  const strict = outside.filter(name => effective({ interface: name, setting: 'rp_filter' }, host) === 1)
  if (strict.length === 0 || outside.length === 1) return []
  return [
    {
      severity: 'hint',
      subject: 'rp_filter',
      found: `1 (strict) on ${strict.join(', ')}`,
      expected: '2 (loose) if answers leave by another interface than requests come in by',
      advice: 'in that case run "sysctl -w net.ipv4.conf.all.rp_filter=2"',
    },
  ]
}

function error(subject: string, found: string, expected: string, advice: string): RealserverFinding {
  return { severity: 'error', subject, found, expected, advice }
}

/** It does no ARP, so a VIP is as well off on it as on `lo`. */
function isSilent(link: HostView['links'][number]): boolean {
  return link.loopback || link.kind === 'dummy' || isTunnel(link)
}

function outsideOf({ links }: HostView): string[] {
  return links.filter(link => link.up && !isSilent(link)).map(({ name }) => name)
}

function inFull(vip: Address): string {
  return `${vip}/${fullPrefixLength(vip)}`
}

function commandUp(vips: readonly Address[]): string {
  return `xdplb realserver up --vip ${vips.join(' ')}`
}
