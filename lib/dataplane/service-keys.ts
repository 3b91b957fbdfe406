import { XdplbError } from '../errors.js'
import { mixKnown } from './hash.js'
import { limit, serviceWord } from './layout.gen.js'

/** What a packet finds its service by. `vip` is an id of the VIP table, `protocol` a number of IANA's. */
export interface ServiceKey {
  readonly vip: number
  readonly port: number
  readonly protocol: number
}

/**
 * Which service has {VIP, port, protocol}: the table that bpf/service.h reads. A key lives in its home bucket or in
 * the next one, packed with the service's id into one word.
 */
export class ServiceKeys {
  readonly #words: BigUint64Array

  /** @param words the map's memory, eight words a bucket */
  constructor(words: BigUint64Array) {
    this.#words = words
  }

  find(key: ServiceKey): number | undefined {
    const packed = pack(key)
    const place = places(packed).find(at => this.#key(at) === packed)
    return place === undefined ? undefined : Number(this.#word(place) & 0xffffn)
  }

  /** Throws `CONFIG` when both buckets of the key are full. */
  set(key: ServiceKey, service: number): void {
    const packed = pack(key)
    const free = places(packed)
    const place = free.find(at => this.#key(at) === packed) ?? free.find(at => this.#word(at) === 0n)
    if (place === undefined) {
      throw new XdplbError(
        'CONFIG',
        `add virtual server: port ${key.port}: no place left in the table of services`,
      )
    }
    this.#words[place] = (packed << BigInt(serviceWord.key_shift)) | BigInt(service)
  }

  delete(key: ServiceKey): void {
    const packed = pack(key)
    const place = places(packed).find(at => this.#key(at) === packed)
    if (place !== undefined) this.#words[place] = 0n
  }

  /** Deletes all others. */
  keep(keys: Iterable<ServiceKey>): void {
    const kept = new Set(Array.from(keys, pack))
    for (const [place, found] of this.#words.entries())
      if (found !== 0n && !kept.has(found >> BigInt(serviceWord.key_shift))) this.#words[place] = 0n
  }

  *[Symbol.iterator](): Generator<{ key: ServiceKey; service: number }> {
    for (const found of this.#words) {
      if (found !== 0n)
        yield { key: unpack(found >> BigInt(serviceWord.key_shift)), service: Number(found & 0xffffn) }
    }
  }

  #word(at: number): bigint {
    return this.#words[at] ?? 0n
  }

  #key(at: number): bigint {
    return this.#word(at) >> BigInt(serviceWord.key_shift)
  }
}

function pack({ vip, port, protocol }: ServiceKey): bigint {
  return (BigInt(vip) << 24n) | (BigInt(port) << 8n) | BigInt(protocol)
}

function unpack(packed: bigint): ServiceKey {
  return {
    vip: Number(packed >> 24n),
    port: Number((packed >> 8n) & 0xffffn),
    protocol: Number(packed & 0xffn),
  }
}

function places(packed: bigint): number[] {
  const home = mixKnown(packed)
  const bucket = (index: number) => (index % limit.service_buckets) * limit.ways
  return [bucket(home), bucket(home + 1)].flatMap(first =>
    Array.from({ length: limit.ways }, (_, way) => first + way),
  )
}
