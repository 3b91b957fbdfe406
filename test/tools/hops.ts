import { EventEmitter } from 'node:events'
import { type Address, addressBytes, type Family, familyOf, parseAddress } from '../../lib/address.js'
import { mode } from '../../lib/dataplane/layout.gen.js'
import type { Resolver } from '../../lib/dataplane/next-hops.js'
import { nowhere } from '../../lib/dataplane/real-table.js'
import { encodeTags } from '../../lib/dataplane/vlan-tags.js'
import type { Destination, Resolution } from '../../lib/dataplane/way.js'
import { type Mac, macBytes } from '../../lib/net/mac.js'
import { balancerMac, mac, type Tag, wholeTags } from './packet.js'

/** What BPF_PROG_TEST_RUN says that a packet came in by: the loopback interface. */
export const LOOPBACK = 1

/** 10.0.0.N, or 2001:db8::N. */
export function realAddress(lastByte: number, family: Family = 4): Address {
  return parseAddress(family === 4 ? `10.0.0.${lastByte}` : `2001:db8::${lastByte.toString(16)}`)
}

/** Where tunnels to reals of a family come from. */
export const tunnelSource = { 4: parseAddress('10.0.0.11'), 6: parseAddress('2001:db8::b') } as const

/** The MAC address that a real 10.0.0.N has here. */
export function realMac(lastByte: number): Mac {
  return mac(`02:00:00:00:01:${lastByte.toString(16).padStart(2, '0')}`)
}

/** Which real 10.0.0.N a frame is addressed to, if it is. */
export function lastByteOf(frame: Buffer): number | undefined {
  return frame.readUInt32BE(0) === 0x02000000 && frame.readUInt8(4) === 1 ? frame.readUInt8(5) : undefined
}

/** Stands in for the kernel's neighbours: every real can be reached at once, unless the test says otherwise. */
export class FixedHops
  extends EventEmitter<{ change: [destination: Destination, resolution: Resolution] }>
  implements Resolver
{
  readonly #said = new Map<string, Resolution>()

  track(destination: Destination): Resolution {
    return this.resolution(destination)
  }

  untrack(): void {}

  resolution(destination: Destination): Resolution {
    return this.#said.get(keyOf(destination)) ?? hopTo(destination)
  }

  /** From now on, the way to the reals 10.0.0.N and 2001:db8::N is another one. */
  change(lastByte: number, resolution: Resolution): void {
    this.#change(lastByte, () => resolution)
  }

  /** From now on, the real is reached as in the beginning, or by another interface. */
  restore(lastByte: number, ifindex = LOOPBACK): void {
    this.#change(lastByte, destination => hopTo(destination, { ifindex }))
  }

  /** From now on, the real is in that VLAN, and so many bytes of IP get there in one piece. */
  tag(lastByte: number, tags: readonly Tag[], mtu = nowhere.mtu): void {
    this.#change(lastByte, destination => hopTo(destination, { tags: encodeTags(wholeTags(tags)), mtu }))
  }

  /** From now on, so many bytes of IP get to a real in one piece. */
  narrow(lastByte: number, mtu: number): void {
    this.#change(lastByte, destination => hopTo(destination, { mtu }))
  }

  #change(lastByte: number, resolutionOf: (destination: Destination) => Resolution): void {
    for (const forwarding of ['dr', 'tun'] as const)
      for (const address of [realAddress(lastByte), realAddress(lastByte, 6)]) {
        const destination = { address, forwarding }
        const resolution = resolutionOf(destination)
        this.#said.set(keyOf(destination), resolution)
        this.emit('change', destination, resolution)
      }
  }
}

function keyOf({ address, forwarding }: Destination): string {
  return `${forwarding} ${address}`
}

/** @param options.mtu of what goes in a tunnel, if there is one */
function hopTo(
  { address, forwarding }: Destination,
  { ifindex = LOOPBACK, mtu = forwarding === 'dr' ? nowhere.mtu : nowhere.mtu - 40, tags = 0 } = {},
): Resolution {
  const family = familyOf(address)
  const hop = {
    ...nowhere,
    destinationMac: macBytes(realMac(addressBytes(address)[15] ?? 0)),
    sourceMac: macBytes(balancerMac),
    ifindex,
    mtu,
    tags,
    ...(forwarding === 'tun' && {
      mode: family === 4 ? mode.tunnel_ipv4 : mode.tunnel_ipv6,
      tunnelSource: addressBytes(tunnelSource[family]),
    }),
  }
  return { hop, interface: `if${ifindex}` }
}
