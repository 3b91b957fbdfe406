import type { Link } from '../net/netlink/link.js'
import { encodeTags, MOST_TAGS } from './vlan-tags.js'

/** An interface, and what is below it: nothing, or for a VLAN the device that its frames are tagged on. */
export interface VlanStack {
  /** From the interface down to the device. A change to one of them may be a change to the way. */
  readonly links: readonly [Link, ...Link[]]
  /** Where frames leave and come in, and where the program sits. */
  readonly device: Link
  /** What frames of the interface are tagged with there, as bpf/link.h has it. */
  readonly tags: number
}

/** Why frames of an interface cannot be told by their tags. */
export interface NoStack {
  readonly reason: string
}

/** @param linkOf the interface of an index, in the same network namespace */
export function vlanStackOf(link: Link, linkOf: (ifindex: number) => Link | undefined): VlanStack | NoStack {
  const links: [Link, ...Link[]] = [link]
  let device = link
  while (device.vlan) {
    const below = device.lower === undefined ? undefined : linkOf(device.lower)
    if (below === undefined) {
      return { reason: `${device.name} is a VLAN of an interface that is not in this network namespace` }
    }
    links.push(below)
    device = below
  }
  const vlans = links.flatMap(({ vlan }) => vlan ?? []).reverse()
  if (vlans.length > MOST_TAGS) {
    return { reason: `frames of ${link.name} have ${vlans.length} VLAN tags, expected ${MOST_TAGS} at most` }
  }
  return { links, device, tags: encodeTags(vlans) }
}
