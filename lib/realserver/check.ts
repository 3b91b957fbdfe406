import type { Address } from '../address.js'
import { familyOf } from '../address.js'
import type { InterfaceAddress } from '../net/netlink/address.js'
import type { Link } from '../net/netlink/link.js'
import { Netlink } from '../net/netlink/netlink.js'
import { arpRules, formatSysctl, readEffectiveSysctl, readSysctl } from './sysctl.js'
import { fullPrefixLength, isVipOnLoopback, LOOPBACK_IFINDEX } from './vip.js'

/** Something that keeps this host from serving the VIPs by direct routing. */
export interface RealserverFinding {
  /** A `hint` may be as it should be. */
  readonly severity: 'error' | 'hint'
  readonly subject: string
  readonly found: string
  readonly expected: string
  /** What to do next. */
  readonly advice: string
}

/** What is wrong for these VIPs in the network namespace of the calling thread; an empty list if nothing is. */
export function realserverCheck({ vips }: { vips: readonly Address[] }): readonly RealserverFinding[] {
  using netlink = Netlink.open()
  const links = netlink.links()
  const addresses = netlink.addresses()
  const outside = links.filter(({ up, loopback }) => up && !loopback)
  const ipv4 = vips.filter(vip => familyOf(vip) === 4)
  return [
    ...checkLoopback(links),
    ...vips.flatMap(vip => checkVip(vip, addresses, links)),
    ...(ipv4.length > 0 ? [...checkArp(outside, ipv4), ...checkReversePath(outside)] : []),
  ]
}

/** `error: address 10.0.0.1: not on lo, expected 10.0.0.1/32 on lo; run "xdplb realserver up --vip 10.0.0.1"` */
export function formatFinding(finding: RealserverFinding): string {
  const { severity, subject, found, expected, advice } = finding
  return `${severity}: ${subject}: ${found}, expected ${expected}; ${advice}`
}

function checkLoopback(links: readonly Link[]): RealserverFinding[] {
  if (links.some(({ index, up }) => index === LOOPBACK_IFINDEX && up)) return []
  const advice = 'run "ip link set lo up"'
  return [{ severity: 'error', subject: 'interface lo', found: 'down', expected: 'up', advice }]
}

function checkVip(
  vip: Address,
  addresses: readonly InterfaceAddress[],
  links: readonly Link[],
): RealserverFinding[] {
  const wanted = `${vip}/${fullPrefixLength(vip)}`
  const places = addresses.filter(({ address }) => address === vip)
  const misplaced = places
    .filter(place => !isVipOnLoopback(place))
    .map(({ ifindex, prefixLength }): RealserverFinding => {
      const name = links.find(({ index }) => index === ifindex)?.name ?? `interface ${ifindex}`
      const found = `${vip}/${prefixLength} on ${name}`
      const why =
        ifindex === LOOPBACK_IFINDEX
          ? 'with it the whole subnet is on lo'
          : 'this host answers ARP for it, in place of the balancer'
      return {
        severity: 'error',
        subject: `address ${vip}`,
        found,
        expected: `${wanted} on lo and nowhere else`,
        advice: `${why}: run "ip address del ${vip}/${prefixLength} dev ${name}"`,
      }
    })
  if (places.some(isVipOnLoopback)) return misplaced
  return [
    {
      severity: 'error',
      subject: `address ${vip}`,
      found: 'not on lo',
      expected: `${wanted} on lo`,
      advice: `run "${commandUp([vip])}"`,
    },
    ...misplaced,
  ]
}

/** What counts is what the kernel goes by on each interface, wherever that stands. */
function checkArp(outside: readonly Link[], vips: readonly Address[]): RealserverFinding[] {
  return arpRules.flatMap(({ setting, wanted, accepted }) => {
    const isGood = (value: number) => accepted.some(good => good === value)
    const isBad = ({ name }: Link) => !isGood(readEffectiveSysctl({ interface: name, setting }))
    const bad = outside.filter(isBad).map(({ name }) => name)
    const all = readSysctl({ interface: 'all', setting })
    const finding = (name: string, command: string): RealserverFinding => ({
      severity: 'error',
      subject: formatSysctl({ interface: name, setting }),
      found: `${readSysctl({ interface: name, setting })}`,
      expected: `${wanted}`,
      advice: `run "${command}"`,
    })
    if (isGood(all)) {
      return bad.map(name =>
        finding(name, `sysctl -w ${formatSysctl({ interface: name, setting })}=${wanted}`),
      )
    }
    return bad.length > 0 || outside.length === 0 ? [finding('all', commandUp(vips))] : []
  })
}

/** ip-sysctl.rst: strict mode drops, without a word, what did not come in by the interface that leads back. */
function checkReversePath(outside: readonly Link[]): RealserverFinding[] {
  const setting = 'rp_filter'
  const strict = outside.filter(({ name }) => readEffectiveSysctl({ interface: name, setting }) === 1)
  if (strict.length === 0 || outside.length === 1) return []
  return [
    {
      severity: 'hint',
      subject: setting,
      found: `1 (strict) on ${strict.map(({ name }) => name).join(', ')}`,
      expected: '2 (loose) if answers leave by another interface than requests come in by',
      advice: 'in that case run "sysctl -w net.ipv4.conf.all.rp_filter=2"',
    },
  ]
}

function commandUp(vips: readonly Address[]): string {
  return `xdplb realserver up ${vips.map(vip => `--vip ${vip}`).join(' ')}`
}
