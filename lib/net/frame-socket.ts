import { AF_PACKET, SOCK_RAW, Socket } from './socket.js'

/**
 * Sends whole Ethernet frames: packet(7). It receives none.
 *
 * Keep one for as long as there may be something to send: to close it takes about 10 ms, for the kernel waits for an
 * RCU grace period; to send a frame takes 0.05 ms.
 */
export class FrameSocket implements Disposable {
  // Protocol 0: the kernel hands this socket no frames.
  readonly #socket = new Socket({ name: 'packet', domain: AF_PACKET, type: SOCK_RAW, protocol: 0 })

  private constructor() {}

  static open(): FrameSocket {
    return new FrameSocket()
  }

  /** @param frame from the destination's MAC address on, without the checksum */
  send(ifindex: number, frame: Uint8Array): void {
    const address = Buffer.alloc(20) // struct sockaddr_ll
    address.writeUInt16LE(AF_PACKET, 0)
    address.writeInt32LE(ifindex, 4)
    this.#socket.send(frame, address)
  }

  close(): void {
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
