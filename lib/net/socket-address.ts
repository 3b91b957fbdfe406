import { type Address, addressBytes, familyOf } from '../address.js'
import { AF_INET, AF_INET6 } from './socket.js'

// <netinet/in.h>
const SOCKADDR_IN_SIZE = 16
const SOCKADDR_IN6_SIZE = 28

/** `struct sockaddr_in` or `struct sockaddr_in6`, without flow label and scope. @param port 0: any */
export function encodeSocketAddress(address: Address, port: number): Buffer {
  const isIpv4 = familyOf(address) === 4
  const bytes = Buffer.alloc(isIpv4 ? SOCKADDR_IN_SIZE : SOCKADDR_IN6_SIZE)
  bytes.writeUInt16LE(isIpv4 ? AF_INET : AF_INET6, 0)
  bytes.writeUInt16BE(port, 2)
  if (isIpv4) bytes.set(addressBytes(address).subarray(12), 4)
  else bytes.set(addressBytes(address), 8)
  return bytes
}
