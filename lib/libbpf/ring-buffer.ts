import { koffi } from '../net/koffi.js'
import type { Pointer } from '../net/libc.js'
import { type Watch, watch } from '../net/poll.js'
import type { BpfMap } from './map.js'
import { libbpf } from './native.js'
import { libbpfOk, libbpfPointer } from './status.js'

export interface RingBufferOptions {
  /** May it alone keep the process running? @default true */
  keepAlive?: boolean
}

/**
 * The records that programs put into a ring buffer map (Linux 5.8), handed over from the event loop in the order in
 * which they were submitted. A record that does not fit is lost; only the program knows.
 */
export class RingBuffer implements Disposable {
  readonly #onRecord: (record: Buffer) => void
  readonly #callback: Pointer
  readonly #watch: Watch
  #ring: Pointer | undefined
  #arrived: Buffer[] = []

  /**
   * @param map stays the caller's, and may be closed before the ring buffer
   * @param onRecord gets a copy; what it throws is uncaught, as in any event listener
   */
  constructor(map: BpfMap, onRecord: (record: Buffer) => void, options: RingBufferOptions = {}) {
    this.#onRecord = onRecord
    this.#callback = libbpf().registerRecord((_, data, size) => this.#keep(data, size))
    const ring = libbpf().ringBufferNew(map.fd, this.#callback, null, null)
    try {
      this.#ring = libbpfPointer(ring, `read ring buffer: ${map.name}`)
      this.#watch = watch(libbpf().ringBufferFd(this.#ring), () => this.consume(), options)
    } catch (error) {
      this.#free()
      throw error
    }
  }

  /** Hands over what has arrived at once, without waiting for the event loop. Does nothing after `close()`. */
  consume(): void {
    if (this.#ring === undefined) return
    libbpfOk(libbpf().ringBufferConsume(this.#ring), 'read ring buffer')
    // not from within libbpf: the listener may close this ring buffer, or throw
    const arrived = this.#arrived
    this.#arrived = []
    for (const record of arrived) this.#onRecord(record)
  }

  close(): void {
    if (this.#ring === undefined) return
    this.#watch.close()
    this.#free()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #keep(data: Pointer, size: number): number {
    const record = Buffer.allocUnsafe(size)
    libbpf().copy(record, data, size) // a tenth of what koffi's view or decode costs
    this.#arrived.push(record)
    return 0
  }

  #free(): void {
    if (this.#ring !== undefined) libbpf().ringBufferFree(this.#ring)
    this.#ring = undefined
    koffi().unregister(this.#callback)
  }
}
