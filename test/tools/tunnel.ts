import { type Family, familyOf, parseAddress } from '../../lib/address.js'
import { realAddress, realMac, tunnelSource } from './hops.js'
import { balancerMac, buildFrame, type Frame, ipOffset } from './packet.js'

/** What stands in the outer header, IANA's number of the family inside. */
const innerProtocol = { 4: 4, 6: 41 } as const

/** ECN (RFC 3168 §5). */
const ECN = 3
const ECN_CAPABLE = 2

/**
 * A frame as it goes in a tunnel to the real with this last byte in its address, of this family. As IPVS has it
 * (ip_vs_tunnel_xmit() of ip_vs_xmit.c): the packet with a TTL less, and an outer header with that TTL, its traffic
 * class, but no congestion, and its DF. Without DF an outer header of IPv4 has any id: that of the frame as it was sent.
 */
export function tunnelled(frame: Frame, lastByte: number, family: Family, sent: Buffer): Buffer {
  const { source = '10.0.0.100', ttl = 64, trafficClass = 0, vlans = [], fragment = 0x4000 } = frame
  const bytes = buildFrame({ ...frame, ttl: ttl - 1 })
  const inner = familyOf(parseAddress(source))
  const keepsDf = inner === 4 && (fragment & 0x4000) !== 0
  const isCongested = (trafficClass & ECN) === ECN
  return buildFrame({
    to: realMac(lastByte),
    from: balancerMac,
    vlans,
    source: tunnelSource[family],
    destination: realAddress(lastByte, family),
    protocol: innerProtocol[inner],
    ttl: ttl - 1,
    trafficClass: isCongested ? (trafficClass & ~ECN) | ECN_CAPABLE : trafficClass,
    ...(family === 4 && (keepsDf ? { fragment: 0x4000, id: 0 } : { fragment: 0, id: outerId(sent) })),
    body: bytes.subarray(ipOffset(bytes)),
  })
}

/** The id in the outer header of a frame that went in a tunnel of IPv4. */
export function outerId(frame: Buffer): number {
  return frame.readUInt16BE(ipOffset(frame) + 4)
}
