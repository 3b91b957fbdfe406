import { XdplbError } from '../errors.js'

/**
 * Little-endian bytes that a stranger wrote. Every read is checked: bytes that end too early or point outside
 * themselves are a `USAGE` error that names what they were taken for.
 */
export class ByteReader {
  readonly size: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #what: string

  /** @param what names the bytes in errors: `BTF`, `ELF object` */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#what = what
    this.size = bytes.byteLength
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#check(at, 1))
  }

  u16(at: number): number {
    return this.#view.getUint16(this.#check(at, 2), true)
  }

  u32(at: number): number {
    return this.#view.getUint32(this.#check(at, 4), true)
  }

  i32(at: number): number {
    return this.#view.getInt32(this.#check(at, 4), true)
  }

  /** 64 bits as a number: an offset or a size, for which 2^53 is outside every file. */
  u64(at: number): number {
    return Number(this.#view.getBigUint64(this.#check(at, 8), true))
  }

  /** A part of the bytes, not a copy. */
  slice(at: number, size: number): Uint8Array {
    return this.#bytes.subarray(this.#check(at, size), at + size)
  }

  /** The text from `at` to the next zero byte. */
  text(at: number): string {
    const end = this.#bytes.indexOf(0, this.#check(at, 1))
    if (end === -1) throw this.error(`text at ${at} has no end`)
    return Buffer.from(this.#bytes.subarray(at, end)).toString('utf8')
  }

  /** What is wrong with these bytes, ready to be thrown. */
  error(found: string): XdplbError {
    return new XdplbError('USAGE', `read ${this.#what}: ${found}`)
  }

  #check(at: number, size: number): number {
    if (at + size > this.size) throw this.error(`${this.size} bytes, expected ${size} more at ${at}`)
    return at
  }
}
