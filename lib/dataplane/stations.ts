import type { TypedMap } from '../libbpf/index.js'
import { type Mac, macBytes } from '../net/mac.js'
import type { Link } from '../net/netlink/link.js'
import type { Station } from './layout.gen.js'
import { vlanStackOf } from './vlan-stack.js'

/** The MAC addresses that VLANs have of their own: bpf/station.h. */
export class Stations {
  readonly #map: TypedMap<Station, number>

  constructor(map: TypedMap<Station, number>) {
    this.#map = map
  }

  /**
   * Frames to these are ours, and to no others beside those of the devices themselves.
   *
   * @param links all interfaces that there are
   * @param devices the program sits on, by index, with the MAC address that is known of each
   */
  learn(links: readonly Link[], devices: ReadonlyMap<number, Mac>): void {
    const wanted = stationsOf(links, devices)
    for (const [station] of [...this.#map]) if (!wanted.delete(nameOf(station))) this.#map.delete(station)
    for (const station of wanted.values()) this.#map.update(station, 1)
  }
}

function stationsOf(links: readonly Link[], devices: ReadonlyMap<number, Mac>): Map<string, Station> {
  const byIndex = new Map(links.map(link => [link.index, link]))
  const stations = links.flatMap(link => {
    const stack = link.vlan && vlanStackOf(link, ifindex => byIndex.get(ifindex))
    if (stack === undefined || 'reason' in stack) return []
    const { device, tags } = stack
    const macs = stack.links.flatMap(({ mac }) => mac ?? [])
    const own = macs.filter(mac => devices.has(device.index) && mac !== devices.get(device.index))
    return own.map((mac): Station => ({ port: device.index, tags, mac: macBytes(mac) }))
  })
  return new Map(stations.map(station => [nameOf(station), station]))
}

function nameOf({ port, tags, mac }: Station): string {
  return `${port} ${tags} ${Buffer.from(mac).toString('hex')}`
}
