import { errnos, syscallError } from '../errno.js'
import { AF_NETLINK, SOCK_RAW, SOL_SOCKET, Socket } from '../socket.js'
import {
  decodeMessages,
  decodeOutcome,
  encodeMessage,
  type Message,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from './message.js'

const NETLINK_ROUTE = 0
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const SO_RCVTIMEO = 20
const SO_RCVBUFFORCE = 33

/** The kernel fills a datagram of a dump up to this size at most: net/netlink/af_netlink.c, netlink_recvmsg(). */
const MAX_DATAGRAM_SIZE = 32768

/** The kernel answers while it is being asked, so this is for a kernel that is broken, not for one that is busy. */
const RECEIVE_TIMEOUT_S = 5

/** A table that changes this often while it is being read is not going to stand still. */
const MAX_DUMPS = 10

/** `struct sockaddr_nl`: to the kernel, or from these multicast groups (a bit each). */
function netlinkAddress(groups: number): Buffer {
  const address = Buffer.alloc(12)
  address.writeUInt16LE(AF_NETLINK, 0)
  address.writeUInt32LE(groups, 8)
  return address
}

const kernel = netlinkAddress(0)

const kind = { name: 'netlink', domain: AF_NETLINK, type: SOCK_RAW, protocol: NETLINK_ROUTE }

/** The transport of requests: one at a time, each waited for. */
export class RequestSocket implements Disposable {
  readonly #socket = new Socket(kind, socket => {
    const timeout = Buffer.alloc(16) // struct timeval
    timeout.writeUInt32LE(RECEIVE_TIMEOUT_S, 0)
    socket.setOption(SOL_SOCKET, SO_RCVTIMEO, timeout)
    socket.setOption(SOL_NETLINK, NETLINK_CAP_ACK, 1)
    socket.setOption(SOL_NETLINK, NETLINK_EXT_ACK, 1)
  })
  #sequence = 0

  /**
   * Asks for one thing to be done or told.
   *
   * @param operation for the error message: `add address: 10.0.0.1/32`
   * @param flags beside NLM_F_REQUEST and NLM_F_ACK
   * @returns the answers before the acknowledgement: none when something was to be done
   */
  request(operation: string, type: number, payload: Buffer, flags = 0): Message[] {
    return this.#exchange(operation, type, NLM_F_ACK | flags, payload).replies
  }

  /** Asks for a whole table; asks again when the table changed under the kernel's hands. */
  dump(operation: string, type: number, payload: Buffer): Message[] {
    for (let attempt = 0; attempt < MAX_DUMPS; attempt++) {
      const { replies, consistent } = this.#exchange(operation, type, NLM_F_DUMP, payload)
      if (consistent) return replies
    }
    throw syscallError(errnos.EINTR, operation, {
      reason: `the table changed during each of ${MAX_DUMPS} dumps`,
    })
  }

  #exchange(operation: string, type: number, flags: number, payload: Buffer) {
    const sequence = (this.#sequence + 1) >>> 0
    this.#sequence = sequence
    this.#socket.send(encodeMessage({ type, flags: NLM_F_REQUEST | flags, sequence, payload }), kernel)
    const replies: Message[] = []
    let consistent = true
    for (;;) {
      const datagram = this.#socket.receive(MAX_DATAGRAM_SIZE)
      if (datagram === undefined) throw syscallError(errnos.ETIMEDOUT, operation)
      for (const message of decodeMessages(datagram)) {
        if (message.sequence !== sequence) continue // the late answer to a request that was given up
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) consistent = false
        if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) {
          replies.push(message)
          continue
        }
        const { errno, reason } = decodeOutcome(message)
        if (errno !== 0) throw syscallError(errno, operation, reason === undefined ? {} : { reason })
        return { replies, consistent }
      }
    }
  }

  close(): void {
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** The transport of notifications: never blocks. */
export class EventSocket implements Disposable {
  readonly #socket: Socket

  /** @param groups RTNLGRP_* numbers (include/uapi/linux/rtnetlink.h) */
  constructor(groups: readonly number[], receiveBufferBytes: number) {
    const bits = groups.reduce((bits, group) => bits | (1 << (group - 1)), 0) >>> 0
    this.#socket = new Socket({ ...kind, nonBlocking: true }, socket => {
      socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes)
      socket.bind(netlinkAddress(bits))
    })
  }

  get fd(): number {
    return this.#socket.fd
  }

  /** The notifications of the next datagram; undefined when all are read. Throws ENOBUFS when some were lost. */
  receive(): Message[] | undefined {
    const datagram = this.#socket.receive(MAX_DATAGRAM_SIZE)
    return datagram && decodeMessages(datagram)
  }

  close(): void {
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
