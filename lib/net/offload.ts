import { koffi } from './koffi.js'
import { libc, libcOk } from './libc.js'
import { AF_INET, Socket } from './socket.js'

const SOCK_DGRAM = 2 // <bits/socket_type.h>
// include/uapi/linux/sockios.h, ethtool.h, if.h
const SIOCETHTOOL = 0x8946
const ETHTOOL_STXCSUM = 0x17
const IFNAMSIZ = 16
const IFREQ_SIZE = 40

/**
 * Has the interface send frames with their checksums computed, as `ethtool -K NAME tx off` does. Between virtual
 * interfaces checksums are otherwise left out and only promised, and a frame that XDP sends on takes no promise along.
 */
export function disableTxChecksumOffload(name: string): void {
  using socket = new Socket({ name: 'control', domain: AF_INET, type: SOCK_DGRAM, protocol: 0 })
  const value = Buffer.alloc(8) // struct ethtool_value: command, 0 for off
  value.writeUInt32LE(ETHTOOL_STXCSUM, 0)
  const request = Buffer.alloc(IFREQ_SIZE)
  request.write(name, 0, IFNAMSIZ - 1)
  request.writeBigUInt64LE(koffi().address(value), IFNAMSIZ)
  libcOk(libc().ioctl(socket.fd, SIOCETHTOOL, request), `disable tx checksum offload: ${name}`)
}
