import { type Address, addressBytes, familyOf } from '../../address.js'

const WORD = 0xffff_ffff_ffff_ffffn

/** The kernel's GOLDEN_RATIO_32 (include/linux/hash.h). */
const GOLDEN_RATIO = 0x61c88647

/** Both halves of the keys of `mh`, for a place's offset and for its step (net/netfilter/ipvs/ip_vs_mh.c). */
export const OFFSET_KEY = 2654435761n
export const SKIP_KEY = 2654446892n

/**
 * An address as IPVS's hashes take it, in 32 bits: an IPv6 one as its four words exclusive-ored. A port is added to
 * it, and so is the number of places that a fallback has gone on by.
 */
export function hashedAddress(address: Address, port = 0, offset = 0): number {
  const bytes = addressBytes(address)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const words = familyOf(address) === 4 ? [12] : [0, 4, 8, 12]
  const folded = words.reduce((sum, at) => sum ^ view.getUint32(at), 0)
  return (folded + port + offset) >>> 0
}

/** The bucket of `sh` or `dh`, of 256. */
export function bucketOf(hashed: number): number {
  return Math.imul(hashed, GOLDEN_RATIO) >>> 24
}

/**
 * SipHash-1-3 of one word of 32 bits, cut to as many: hsiphash() of a 64-bit kernel (lib/siphash.c; Aumasson and
 * Bernstein, "SipHash: a fast short-input PRF").
 *
 * @param key both halves of the key
 */
export function shortSipHash(value: number, key: bigint): number {
  const state: SipState = [
    0x736f6d6570736575n ^ key,
    0x646f72616e646f6dn ^ key,
    0x6c7967656e657261n ^ key,
    0x7465646279746573n ^ key,
  ]
  const block = (4n << 56n) | BigInt(value >>> 0) // its length in bytes, and what is left over from whole blocks
  state[3] ^= block
  mix(state)
  state[0] ^= block
  state[2] ^= 0xffn
  for (let round = 0; round < 3; round++) mix(state)
  return Number((state[0] ^ state[1] ^ state[2] ^ state[3]) & 0xffff_ffffn)
}

type SipState = [bigint, bigint, bigint, bigint]

/** One SipRound. */
function mix(state: SipState): void {
  let [a, b, c, d] = state
  a = (a + b) & WORD
  b = rotate(b, 13n) ^ a
  a = rotate(a, 32n)
  c = (c + d) & WORD
  d = rotate(d, 16n) ^ c
  a = (a + d) & WORD
  d = rotate(d, 21n) ^ a
  c = (c + b) & WORD
  b = rotate(b, 17n) ^ c
  c = rotate(c, 32n)
  state.splice(0, 4, a, b, c, d)
}

function rotate(word: bigint, bits: bigint): bigint {
  return ((word << bits) | (word >> (64n - bits))) & WORD
}
