import type { Link } from '../net/netlink/link.js'
import { vlanStackOf } from './vlan-stack.js'

/**
 * Why a program does not see the VLAN tags of all frames: a line for each device that has VLANs and may hide them.
 *
 * @param interfaces those that the program sits on, or is to sit on; VLANs are on the device below them
 * @param links all interfaces that there are
 * @param isStripping does that card take tags off frames?
 */
export function hiddenTags(
  interfaces: readonly string[],
  links: readonly Link[],
  isStripping: (name: string) => boolean,
): string[] {
  const deviceOf = (link: Link) => {
    const stack = vlanStackOf(link, ifindex => links.find(({ index }) => index === ifindex))
    return 'reason' in stack ? undefined : stack.device
  }
  const devices = new Set(links.filter(({ name }) => interfaces.includes(name)).map(deviceOf))
  const tagged = new Set(links.filter(({ vlan }) => vlan).map(deviceOf))
  return [...devices].flatMap(device => {
    if (device === undefined || !tagged.has(device)) return []
    const cards = links.filter(({ index, master }) => index === device.index || master === device.index)
    return cards.flatMap(card => reasonOf(card, isStripping) ?? [])
  })
}

/**
 * The other end of a veth hands a tag over beside the frame, where a program does not see it, unless it is told to
 * write it into the frame as it has to for a wire. What it is told does not show on this end.
 */
function reasonOf({ name, kind }: Link, isStripping: (name: string) => boolean): string | undefined {
  if (kind === 'veth')
    return `${name}: VLAN tags from its other end are seen only with "ethtool -K OTHER-END txvlan off" there`
  if (!isStripping(name)) return undefined
  const found = `${name}: its card takes VLAN tags off frames ("rx-vlan-offload: on [fixed]")`
  return `${found}, so packets in its VLANs are balanced as if they were in none`
}
