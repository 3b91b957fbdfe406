const GOLDEN = 0x9e3779b97f4a7c15n

/** `mix_known()` of bpf/hash.h: 24 bits of a 64-bit key that is not chosen by strangers. */
export function mixKnown(key: bigint): number {
  return Number(BigInt.asUintN(64, (key ^ (key >> 32n)) * GOLDEN) >> 40n)
}
