import { EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import { type Watch, watch } from './poll.js'
import { AF_INET, AF_INET6, SOCK_RAW, SOL_SOCKET, Socket } from './socket.js'

// <netinet/in.h>, include/uapi/linux/icmp.h, icmpv6.h
const IPPROTO_ICMP = 1
const IPPROTO_IPIP = 4
const IPPROTO_IPV6 = 41
const IPPROTO_ICMPV6 = 58
const SOL_RAW = 255
const ICMP_FILTER = 1
const ICMPV6_FILTER = 1
const ICMP_DEST_UNREACH = 3
const ICMP_FRAG_NEEDED = 4
const ICMPV6_PKT_TOOBIG = 2
const SO_RCVBUF = 8
const IPV6_RECVERR = 25

/** The kernel makes it as much as it must be: a packet or two. */
const LEAST_BUFFER_BYTES = 0
const MOST_DATAGRAM_BYTES = 65535

/** What sockets are opened of it, and what is set on them. */
interface Family {
  readonly domain: number
  beTold(socket: Socket): void
  readonly icmp: number
  listen(socket: Socket): void
}

/**
 * Path MTUs of IP in IP. When a router says that such a packet is too big, the kernel keeps what fits as an exception
 * to its route, for ten minutes (net.ipv4.route.mtu_expires), if there is a socket of the protocol to tell (raw_err()
 * in net/ipv4/raw.c, rawv6_err() in net/ipv6/raw.c): here they are. `heard` when a router has said so of any packet.
 *
 * It is about the network namespace in which the object was made.
 */
export class PathMtuEvents extends EventEmitter<{ heard: [] }> implements Disposable {
  readonly #sockets: Socket[] = []
  readonly #watches: Watch[] = []

  private constructor() {
    super()
  }

  /** Needs CAP_NET_RAW. A family that the kernel does not have is left out. */
  static open(): PathMtuEvents {
    const events = new PathMtuEvents()
    try {
      events.#open({ domain: AF_INET, beTold: keepLittle, icmp: IPPROTO_ICMP, listen: onlyUnreachable })
      if (existsSync('/proc/net/if_inet6'))
        events.#open({ domain: AF_INET6, beTold: wantErrors, icmp: IPPROTO_ICMPV6, listen: onlyTooBig })
      return events
    } catch (error) {
      events.close()
      throw error
    }
  }

  close(): void {
    for (const part of [...this.#watches, ...this.#sockets]) part.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #open({ domain, beTold, icmp, listen }: Family): void {
    for (const protocol of [IPPROTO_IPIP, IPPROTO_IPV6]) this.#openRaw(domain, protocol, beTold)
    const socket = this.#openRaw(domain, icmp, listen)
    this.#watches.push(watch(socket.fd, () => this.#read(socket), { keepAlive: false }))
  }

  #openRaw(domain: number, protocol: number, prepare: (socket: Socket) => void): Socket {
    const socket = new Socket({ name: 'raw', domain, type: SOCK_RAW, protocol, nonBlocking: true }, prepare)
    this.#sockets.push(socket)
    return socket
  }

  #read(socket: Socket): void {
    for (let datagram = receive(socket); datagram !== undefined; datagram = receive(socket))
      if (saysTooBig(datagram)) this.emit('heard')
  }
}

function receive(socket: Socket): Buffer | undefined {
  return socket.receive(MOST_DATAGRAM_BYTES)
}

/** Nobody reads what comes for it. */
function keepLittle(socket: Socket): void {
  socket.setOption(SOL_SOCKET, SO_RCVBUF, LEAST_BUFFER_BYTES)
}

/** Of IPv6, only a socket that wants to hear of errors is told. */
function wantErrors(socket: Socket): void {
  keepLittle(socket)
  socket.setOption(IPPROTO_IPV6, IPV6_RECVERR, 1)
}

/** A bit for each type that is not wanted: raw(7). */
function onlyUnreachable(socket: Socket): void {
  socket.setOption(SOL_RAW, ICMP_FILTER, ~(1 << ICMP_DEST_UNREACH))
}

function onlyTooBig(socket: Socket): void {
  const unwanted = new Uint32Array(8).fill(0xffffffff)
  unwanted[0] = ~(1 << ICMPV6_PKT_TOOBIG)
  socket.setOption(IPPROTO_ICMPV6, ICMPV6_FILTER, new Uint8Array(unwanted.buffer))
}

/** IPv4 comes with its header, and all that is unreachable; ICMPv6 without, and is of one type. */
function saysTooBig(datagram: Buffer): boolean {
  const isIpv4 = datagram.length > 0 && datagram.readUInt8(0) >> 4 === 4
  if (!isIpv4) return true
  const header = (datagram.readUInt8(0) & 0xf) * 4
  return datagram.length > header + 1 && datagram.readUInt8(header + 1) === ICMP_FRAG_NEEDED
}
