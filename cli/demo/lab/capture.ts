import type { Address } from '../../../lib/address.js'
import { addressFromBytes } from '../../../lib/address.js'
import type { Mac } from '../../../lib/net/mac.js'
import { macFromBytes } from '../../../lib/net/mac.js'
import { AF_PACKET, SOCK_RAW, SOL_SOCKET, Socket } from '../../../lib/net/socket.js'

// include/uapi/linux/if_ether.h, if_packet.h; <asm-generic/socket.h>
const ETH_P_ALL = 0x0003
const ETH_P_IP = 0x0800
const SO_RCVBUFFORCE = 33

/** Room for some ten thousand frames that wait to be looked at. */
const RECEIVE_BUFFER_BYTES = 32 * 1024 * 1024
/** The largest frame that can be met: a whole IP packet that is yet to be cut in segments. */
const MAX_FRAME_SIZE = 14 + 65535

/** A frame that was seen. */
export interface Frame {
  readonly destination: Mac | undefined
  readonly source: Mac | undefined
  readonly etherType: number
  /** When it carries an IPv4 packet. */
  readonly ip?: { readonly source: Address; readonly destination: Address; readonly protocol: number }
  readonly bytes: Buffer
}

/** Sees each frame that an interface receives or sends: packet(7). */
export class Capture implements Disposable {
  readonly #socket: Socket
  readonly #frames: Frame[] = []

  /** @param ifindex in the network namespace of this thread */
  constructor(ifindex: number) {
    // Protocol 0 until it is bound, so that no frame of another interface comes in between.
    const kind = { name: 'packet', domain: AF_PACKET, type: SOCK_RAW, protocol: 0, nonBlocking: true }
    this.#socket = new Socket(kind, socket => {
      socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
      const address = Buffer.alloc(20) // struct sockaddr_ll
      address.writeUInt16LE(AF_PACKET, 0)
      address.writeUInt16BE(ETH_P_ALL, 2)
      address.writeInt32LE(ifindex, 4)
      socket.bind(address)
    })
  }

  /** All frames so far, in order. */
  get frames(): readonly Frame[] {
    for (let bytes = this.#receive(); bytes !== undefined; bytes = this.#receive()) {
      this.#frames.push(decode(bytes))
    }
    return this.#frames
  }

  close(): void {
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #receive(): Buffer | undefined {
    const bytes = this.#socket.receive(MAX_FRAME_SIZE)
    return bytes && Buffer.from(bytes) // a copy, for the frame is small and what it came in is not
  }
}

function decode(bytes: Buffer): Frame {
  const etherType = bytes.readUInt16BE(12)
  const frame = {
    destination: macFromBytes(bytes.subarray(0, 6)),
    source: macFromBytes(bytes.subarray(6, 12)),
    etherType,
    bytes,
  }
  if (etherType !== ETH_P_IP) return frame
  const ip = {
    source: addressFromBytes(bytes.subarray(26, 30)),
    destination: addressFromBytes(bytes.subarray(30, 34)),
    protocol: bytes.readUInt8(23),
  }
  return { ...frame, ip }
}
