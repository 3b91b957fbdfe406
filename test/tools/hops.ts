import { EventEmitter } from 'node:events'
import { type Address, addressBytes, type Family, parseAddress } from '../../lib/address.js'
import type { Resolution, Resolver } from '../../lib/dataplane/next-hops.js'
import { nowhere } from '../../lib/dataplane/real-table.js'
import { encodeTags } from '../../lib/dataplane/vlan-tags.js'
import { type Mac, macBytes } from '../../lib/net/mac.js'
import { balancerMac, mac, type Tag, wholeTags } from './packet.js'

/** What BPF_PROG_TEST_RUN says that a packet came in by: the loopback interface. */
export const LOOPBACK = 1

/** 10.0.0.N, or 2001:db8::N. */
export function realAddress(lastByte: number, family: Family = 4): Address {
  return parseAddress(family === 4 ? `10.0.0.${lastByte}` : `2001:db8::${lastByte.toString(16)}`)
}

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
  extends EventEmitter<{ change: [address: Address, resolution: Resolution] }>
  implements Resolver
{
  readonly #said = new Map<Address, Resolution>()

  track(address: Address): Resolution {
    return this.resolution(address)
  }

  untrack(): void {}

  resolution(address: Address): Resolution {
    return this.#said.get(address) ?? hopTo(address)
  }

  /** From now on, the way to the reals 10.0.0.N and 2001:db8::N is another one. */
  change(lastByte: number, resolution: Resolution): void {
    for (const address of [realAddress(lastByte), realAddress(lastByte, 6)]) {
      this.#said.set(address, resolution)
      this.emit('change', address, resolution)
    }
  }

  /** From now on, the real is reached as in the beginning, or by another interface. */
  restore(lastByte: number, ifindex = LOOPBACK): void {
    this.change(lastByte, hopTo(realAddress(lastByte), { ifindex }))
  }

  /** From now on, the real is in that VLAN, and so many bytes of IP get there in one piece. */
  tag(lastByte: number, tags: readonly Tag[], mtu = nowhere.mtu): void {
    this.change(lastByte, hopTo(realAddress(lastByte), { tags: encodeTags(wholeTags(tags)), mtu }))
  }

  /** From now on, so many bytes of IP get to a real in one piece. */
  narrow(lastByte: number, mtu: number): void {
    this.change(lastByte, hopTo(realAddress(lastByte), { mtu }))
  }
}

function hopTo(address: Address, { ifindex = LOOPBACK, mtu = nowhere.mtu, tags = 0 } = {}): Resolution {
  const destinationMac = macBytes(realMac(addressBytes(address)[15] ?? 0))
  const hop = { ...nowhere, destinationMac, sourceMac: macBytes(balancerMac), ifindex, mtu, tags }
  return { hop, interface: `if${ifindex}` }
}
