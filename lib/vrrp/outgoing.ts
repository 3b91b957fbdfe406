import { type Address, parseAddress } from '../address.js'
import { ADVERTISEMENT, type Advert, authenticationTypes, encodeAdvert, passwordBytes } from './advert.js'
import type { Instance } from './instance.js'
import { encodePacket } from './packet.js'
import { intervalMs } from './timing.js'

/** The group of all VRRP routers, RFC 3768 §5.2.2. */
export const VRRP_GROUP = parseAddress('224.0.0.18')

/** A packet and where to send it. */
export interface Outgoing {
  readonly destination: Address
  readonly packet: Buffer
}

/**
 * The packets of one advert: one for the multicast group, or one for each unicast peer.
 *
 * @param priority the instance's own, or 0 to give the addresses up
 * @param identification of the first packet; those that follow count on from it
 */
export function encodeOutgoing(instance: Instance, priority: number, identification: number): Outgoing[] {
  const { source, unicastPeers } = instance
  const destinations = unicastPeers.length === 0 ? [VRRP_GROUP] : unicastPeers.map(peer => peer.address)
  return destinations.map((destination, index) => {
    const message = encodeAdvert(advertOf(instance, priority), { source, destination }, instance)
    const envelope = { source, destination, identification: identification + index }
    return { destination, packet: encodePacket(envelope, message) }
  })
}

function advertOf(instance: Instance, priority: number): Advert {
  const { version, virtualRouterId, authentication } = instance
  const advert = {
    version,
    type: ADVERTISEMENT,
    virtualRouterId,
    priority,
    intervalMs: intervalMs(instance),
    addresses: instance.virtualAddresses.map(({ address }) => address),
  }
  if (version !== 2 || authentication === undefined) return advert
  const data = passwordBytes(authentication.password)
  return { ...advert, authentication: { type: authenticationTypes.password, data } }
}
