import { type Address, addressBytes } from '../address.js'
import { type Watch, watch } from '../net/poll.js'
import { AF_INET, SOCK_RAW, SOL_SOCKET, Socket } from '../net/socket.js'
import { encodeSocketAddress } from '../net/socket-address.js'
import { IPPROTO_VRRP } from './advert.js'
import { type Outgoing, VRRP_GROUP } from './outgoing.js'
import { decodePacket, type Packet } from './packet.js'

// <bits/in.h>, <asm-generic/socket.h>
const IPPROTO_IP = 0
const IP_HDRINCL = 3
const IP_MULTICAST_IF = 32
const IP_MULTICAST_LOOP = 34
const IP_ADD_MEMBERSHIP = 35
const IP_MULTICAST_ALL = 49
const SO_BINDTODEVICE = 25

/** Larger than any advert: 255 addresses of 16 bytes and the headers. */
const MAX_PACKET_SIZE = 8192

/** VRRP over IPv4 on one interface: raw(7). Packets are sent as they are given, IP header and all. */
export class VrrpSocket implements Disposable {
  readonly #socket: Socket
  readonly #watch: Watch

  /** @param onPackets some are waiting: see `receive` */
  constructor({ name, ifindex }: { name: string; ifindex: number }, onPackets: () => void) {
    const kind = { name: 'vrrp', domain: AF_INET, type: SOCK_RAW, protocol: IPPROTO_VRRP, nonBlocking: true }
    this.#socket = new Socket(kind, socket => {
      socket.setOption(SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${name}\0`))
      socket.setOption(IPPROTO_IP, IP_HDRINCL, 1)
      socket.setOption(IPPROTO_IP, IP_MULTICAST_ALL, 0)
      socket.setOption(IPPROTO_IP, IP_MULTICAST_LOOP, 0)
      socket.setOption(IPPROTO_IP, IP_ADD_MEMBERSHIP, multicastRequest(VRRP_GROUP, ifindex))
      socket.setOption(IPPROTO_IP, IP_MULTICAST_IF, multicastRequest(undefined, ifindex))
    })
    this.#watch = watch(this.#socket.fd, onPackets)
  }

  send({ destination, packet }: Outgoing): void {
    this.#socket.send(packet, encodeSocketAddress(destination, 0))
  }

  /** What has come since. */
  *receive(): Generator<Packet> {
    for (let bytes = this.#next(); bytes !== undefined; bytes = this.#next()) {
      const packet = decodePacket(bytes)
      if (packet) yield packet
    }
  }

  close(): void {
    this.#watch.close()
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #next(): Buffer | undefined {
    return this.#socket.receive(MAX_PACKET_SIZE)
  }
}

/** `struct ip_mreqn` */
function multicastRequest(group: Address | undefined, ifindex: number): Buffer {
  const request = Buffer.alloc(12)
  if (group) request.set(addressBytes(group).subarray(12), 0)
  request.writeInt32LE(ifindex, 8)
  return request
}
