import { word } from './layout.gen.js'

const STATE_MASK = 0xf
const STATE_FREE = 0

/**
 * The words of a set-associative table (bpf/table.h), over its mapped memory. Programs write them at any moment, so
 * what is read here was true a moment ago. Read as two halves each, because a BigInt a slot would cost ten times as much.
 */
export class Words {
  readonly length: number
  readonly #halves: Uint32Array

  constructor(bytes: Uint8Array) {
    this.length = bytes.byteLength / 8
    this.#halves = new Uint32Array(bytes.buffer, bytes.byteOffset, this.length * 2)
  }

  state(index: number): number {
    return this.#low(index) & STATE_MASK
  }

  /** The real that a slot names; 0 if it holds nothing. */
  real(index: number): number {
    if (this.state(index) === STATE_FREE) return 0
    return ((this.#high(index) & 0xf) << 12) | (this.#low(index) >>> word.real_shift)
  }

  /**
   * Ticks since the slot's last packet, as far as 16 bits tell. A packet may have come since `now` was read: that is
   * idle for no time (`word_idle()` of bpf/table.h).
   */
  idle(index: number, now: number): number {
    const idle = (now - (this.#low(index) >>> word.age_shift)) & 0xffff
    return idle < word.future ? idle : 0
  }

  /** How many slots from `first` to before `end` hold something. */
  count(first: number, end: number): number {
    let count = 0
    for (let index = first; index < end; index++) if (this.state(index) !== STATE_FREE) count++
    return count
  }

  #low(index: number): number {
    return this.#halves[2 * index] ?? 0
  }

  #high(index: number): number {
    return this.#halves[2 * index + 1] ?? 0
  }
}
