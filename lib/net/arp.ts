import { type Address, addressBytes, familyOf } from '../address.js'
import { XdplbError } from '../errors.js'
import { type Mac, macBytes } from './mac.js'

const BROADCAST = Buffer.alloc(6, 0xff)
const ETHERTYPE_ARP = 0x0806
const ETHERTYPE_IPV4 = 0x0800
const HARDWARE_ETHERNET = 1
const OPERATION_REQUEST = 1

/**
 * The frame that tells a whole segment where an IPv4 address lives now (RFC 5227 §3): as keepalived sends it, a
 * request from and for the address itself, with all ones as the target's hardware address. A FrameSocket sends it.
 */
export function encodeGratuitousArp(announced: { address: Address; mac: Mac }): Buffer {
  if (familyOf(announced.address) !== 4) {
    throw new XdplbError('USAGE', `encode gratuitous arp: ${announced.address}, expected an IPv4 address`)
  }
  const mac = macBytes(announced.mac)
  const address = addressBytes(announced.address).subarray(12)
  const types = Buffer.alloc(10) // EtherType, then the fixed part of RFC 826
  types.writeUInt16BE(ETHERTYPE_ARP, 0)
  types.writeUInt16BE(HARDWARE_ETHERNET, 2)
  types.writeUInt16BE(ETHERTYPE_IPV4, 4)
  types.writeUInt8(mac.length, 6)
  types.writeUInt8(address.length, 7)
  types.writeUInt16BE(OPERATION_REQUEST, 8)
  return Buffer.concat([BROADCAST, mac, types, mac, address, BROADCAST, address])
}
