import { koffi } from './koffi.js'
import { libc, libcOk } from './libc.js'
import { AF_INET, Socket } from './socket.js'

const SOCK_DGRAM = 2 // <bits/socket_type.h>
// include/uapi/linux/sockios.h, ethtool.h, if.h
const SIOCETHTOOL = 0x8946
const ETHTOOL_GDRVINFO = 0x03
const ETHTOOL_STXCSUM = 0x17
const IFNAMSIZ = 16
const IFREQ_SIZE = 40
const DRVINFO_SIZE = 196
const NAME_SIZE = 32

/**
 * Has the interface send frames with their checksums computed, as `ethtool -K NAME tx off` does. Between virtual
 * interfaces checksums are otherwise left out and only promised, and a frame that XDP sends on takes no promise along.
 */
export function disableTxChecksumOffload(name: string): void {
  const value = Buffer.alloc(8) // struct ethtool_value: command, 0 for off
  value.writeUInt32LE(ETHTOOL_STXCSUM, 0)
  ethtool(name, value, 'disable tx checksum offload')
}

/** The driver of an interface as `ethtool -i` names it: `veth`, `ixgbe`, `virtio_net`. */
export function driverOf(name: string): string {
  const info = Buffer.alloc(DRVINFO_SIZE) // struct ethtool_drvinfo: command, driver, and more
  info.writeUInt32LE(ETHTOOL_GDRVINFO, 0)
  ethtool(name, info, 'ask for driver')
  return info.toString('latin1', 4, 4 + NAME_SIZE).replace(/\0.*$/s, '')
}

/** SIOCETHTOOL. @param request a struct of ethtool.h that begins with its command; what the kernel answers stands in it afterwards */
export function ethtool(name: string, request: Buffer, operation: string): void {
  using socket = new Socket({ name: 'control', domain: AF_INET, type: SOCK_DGRAM, protocol: 0 })
  const ifreq = Buffer.alloc(IFREQ_SIZE)
  ifreq.write(name, 0, IFNAMSIZ - 1)
  ifreq.writeBigUInt64LE(koffi().address(request), IFNAMSIZ)
  libcOk(libc().ioctl(socket.fd, SIOCETHTOOL, ifreq), `${operation}: ${name}`)
}
