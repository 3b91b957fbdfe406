import { Attributes, align, asText, malformed } from './attribute.js'

/**
 * One netlink message: `struct nlmsghdr` and what follows it (include/uapi/linux/netlink.h, netlink(7)).
 *
 * Netlink speaks the host's byte order; all codecs here say little-endian, as is every platform that koffi has a
 * native module for.
 */
export interface Message {
  type: number
  flags: number
  /** The request's number, repeated in each answer to it; 0 in notifications. */
  sequence: number
  payload: Buffer
}

export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3

export const NLM_F_REQUEST = 0x1
export const NLM_F_ACK = 0x4
/** The table changed while it was being dumped: what came is not consistent. */
export const NLM_F_DUMP_INTR = 0x10
export const NLM_F_DUMP = 0x300
export const NLM_F_REPLACE = 0x100
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
// in an NLMSG_ERROR
const NLM_F_CAPPED = 0x100
const NLM_F_ACK_TLVS = 0x200

const NLMSGERR_ATTR_MSG = 1

const HEADER_SIZE = 16
const ERROR_SIZE = 4

export function encodeMessage(message: Message): Buffer {
  const header = Buffer.alloc(HEADER_SIZE)
  header.writeUInt32LE(HEADER_SIZE + message.payload.length, 0)
  header.writeUInt16LE(message.type, 4)
  header.writeUInt16LE(message.flags, 6)
  header.writeUInt32LE(message.sequence, 8)
  return Buffer.concat([header, message.payload])
}

/** The messages in one datagram. Throws `SYSCALL` (EBADMSG) when their lengths do not add up. */
export function decodeMessages(datagram: Buffer): Message[] {
  const messages: Message[] = []
  for (let at = 0; at < datagram.length; ) {
    const left = datagram.length - at
    const length = left < HEADER_SIZE ? left : datagram.readUInt32LE(at)
    if (length < HEADER_SIZE || length > left) {
      throw malformed(`message: ${length} bytes, expected ${HEADER_SIZE} to ${left}`)
    }
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + HEADER_SIZE, at + length),
    })
    at += align(length)
  }
  return messages
}

/** How a request ended. */
export interface Outcome {
  /** 0 when it was done. */
  errno: number
  /** The kernel's own words (extended acknowledgement), when it has any. */
  reason?: string
}

/** The outcome that an `NLMSG_ERROR` (which is also the acknowledgement) or an `NLMSG_DONE` carries. */
export function decodeOutcome(message: Message): Outcome {
  const { payload, flags } = message
  // A kernel that has nothing to say may end a dump with an empty NLMSG_DONE.
  if (message.type === NLMSG_DONE && payload.length < ERROR_SIZE) return { errno: 0 }
  if (payload.length < ERROR_SIZE) throw malformed(`error: ${payload.length} bytes, expected ${ERROR_SIZE}`)
  const errno = Math.abs(payload.readInt32LE(0))
  const reason = (flags & NLM_F_ACK_TLVS) === 0 ? undefined : decodeReason(message)
  return reason === undefined ? { errno } : { errno, reason }
}

function decodeReason({ type, payload, flags }: Message): string | undefined {
  let start = ERROR_SIZE
  if (type === NLMSG_ERROR) {
    // The request is repeated before the attributes: its header only, or all of it.
    const least = ERROR_SIZE + HEADER_SIZE
    if (payload.length < least) throw malformed(`error: ${payload.length} bytes, expected ${least} or more`)
    const repeated = (flags & NLM_F_CAPPED) !== 0 ? HEADER_SIZE : payload.readUInt32LE(ERROR_SIZE)
    start += align(repeated)
  }
  return asText(new Attributes(payload.subarray(start)).get(NLMSGERR_ATTR_MSG))
}
