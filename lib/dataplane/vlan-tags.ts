import type { Vlan } from '../net/netlink/link.js'
import { tag } from './layout.gen.js'

/** So many tags of a frame the program reads, and writes. */
export const MOST_TAGS = 2

/**
 * The tags of frames as bpf/link.h has them in one number.
 *
 * @param vlans outermost first, at most `MOST_TAGS`
 */
export function encodeTags(vlans: readonly Vlan[]): number {
  return vlans.reduce((tags, { id, protocol }) => {
    const provider = protocol === '802.1ad' ? tag.provider : 0
    return ((tags << 16) | tag.present | provider | (id & tag.id)) >>> 0
  }, 0)
}
