import { XdplbError } from '../errors.js'
import { koffi } from './koffi.js'
import { libc, libcError, type Pointer } from './libc.js'

// <sys/mman.h>, the same on every architecture that Node runs on
const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_PRIVATE = 2
const MAP_FIXED = 0x10
const MAP_ANONYMOUS = 0x20
const MAP_FAILED = 0xffff_ffff_ffff_ffffn

/** Address space goes back only when no view of it is left: JavaScript may hold one for as long as it likes. */
const unmapWhenUnreachable = new FinalizationRegistry<{ address: Pointer; size: number }>(range => {
  libc().munmap(range.address, range.size)
})

/** Memory shared with the kernel: the values of a map that was made with `BPF_F_MMAPABLE`. */
export class MappedMemory implements Disposable {
  readonly #address: Pointer
  readonly #size: number
  #bytes: Uint8Array<ArrayBuffer> | undefined

  /**
   * @param fd the descriptor to map; it may be closed afterwards
   * @param size in bytes; the kernel rounds up to whole pages
   */
  constructor(fd: number, size: number, options: { writable?: boolean } = {}) {
    const protection = options.writable === false ? PROT_READ : PROT_READ | PROT_WRITE
    const address = libc().mmap(null, size, protection, MAP_SHARED, fd, 0)
    if (address === MAP_FAILED) throw libcError(`map memory: ${size} bytes of descriptor ${fd}`)
    const buffer = koffi().view(address, size)
    unmapWhenUnreachable.register(buffer, { address, size })
    this.#address = address
    this.#size = size
    this.#bytes = new Uint8Array(buffer)
  }

  /** The memory itself: what is written here, the kernel's programs read. Throws `CLOSED` after `close()`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes === undefined) throw new XdplbError('CLOSED', 'mapped memory: used after close')
    return this.#bytes
  }

  /** Gives the map back to the kernel. A view that was kept reads zeroes from now on, instead of a segment fault. */
  close(): void {
    if (this.#bytes === undefined) return
    this.#bytes = undefined
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
    libc().mmap(this.#address, this.#size, PROT_READ | PROT_WRITE, flags, -1, 0)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
