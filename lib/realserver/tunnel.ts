import { type Address, type Family, familyOf } from '../address.js'
import type { Link } from '../net/netlink/link.js'
import type { HostView, RealserverFinding } from './check.js'
import { effective, formatSysctl } from './sysctl.js'

/** The interfaces that unwrap packets of a family, as the kernel calls their kinds; the last is for tunnels of IPv6. */
const unwrapping = { 4: ['ipip', 'ip6tnl'], 6: ['sit', 'ip6tnl'] } as const satisfies Record<Family, string[]>

/** The interface of the other kind that is there with its module. */
const usual = { 4: { module: 'ipip', name: 'tunl0' }, 6: { module: 'sit', name: 'sit0' } } as const

/** Does what is inside of packets come out of it? */
export function isTunnel(link: Pick<Link, 'kind'>): boolean {
  return unwraps(4, link) || unwraps(6, link)
}

function unwraps(family: Family, { kind }: Pick<Link, 'kind'>): boolean {
  return unwrapping[family].some(known => known === kind)
}

/** What keeps packets for the VIPs from getting out of the tunnels that they come in. */
export function inspectTunnels(vips: readonly Address[], host: HostView): RealserverFinding[] {
  const families = new Set(vips.map(familyOf))
  return [
    ...[...families].flatMap(family => checkUnwrapping(family, host)),
    ...(families.has(4) ? checkReversePath(host) : []),
  ]
}

function checkUnwrapping(family: Family, { links }: HostView): RealserverFinding[] {
  if (links.some(link => link.up && unwraps(family, link))) return []
  const { module, name } = usual[family]
  return [
    {
      severity: 'error',
      subject: `tunnels with IPv${family} in them`,
      found: 'no interface that unwraps them is up',
      expected: `${name}, or ip6tnl0 if the balancer has an IPv6 address of this host`,
      advice: `run "modprobe ${module}; ip link set ${name} up"`,
    },
  ]
}

/** The way back to a client never leads by the tunnel that its packets came out of. */
function checkReversePath(host: HostView): RealserverFinding[] {
  return host.links
    .filter(link => link.up && unwraps(4, link))
    .flatMap(({ name }): RealserverFinding[] => {
      const sysctl = { interface: name, setting: 'rp_filter' }
      if (effective(sysctl, host) !== 1) return []
      const text = formatSysctl(sysctl)
      return [
        {
          severity: 'error',
          subject: text,
          found: '1 (strict)',
          expected: '2 (loose)',
          advice: `run "sysctl -w ${text}=2"`,
        },
      ]
    })
}
