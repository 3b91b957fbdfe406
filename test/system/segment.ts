import type { Capture, Frame } from '../../cli/demo/lab/capture.js'
import type { Host } from '../../cli/demo/lab/host.js'
import { type Address, addressBytes, addressFromBytes, parseAddress } from '../../lib/address.js'
import { encodeGratuitousArp } from '../../lib/net/arp.js'
import { FrameSocket } from '../../lib/net/frame-socket.js'
import { type Mac, macFromBytes } from '../../lib/net/mac.js'
import { IPPROTO_VRRP } from '../../lib/vrrp/advert.js'
import { mac } from '../tools/packet.js'

const ETH_P_ARP = 0x0806
const ARP_AT = 14

/** Somebody says in ARP that he has the address: as an answer, or of his own accord. */
export interface Claim {
  readonly by: Mac | undefined
  readonly isAnswer: boolean
}

/** An advert, as far as these tests go. */
export interface SeenAdvert {
  readonly source: Address
  readonly priority: number
}

/** What a host of the lab sees of the contest for an address, from now on: it hears all broadcasts. */
export class Segment implements Disposable {
  readonly #host: Host
  readonly #address: Address
  readonly #capture: Capture
  readonly #frames: FrameSocket
  readonly #ifindex: number

  constructor(host: Host, address: Address) {
    this.#host = host
    this.#address = address
    this.#capture = host.capture()
    this.#frames = host.enter(() => FrameSocket.open())
    this.#ifindex = host.ifindex(host.interface)
  }

  /** All claims to the address, in order. */
  get claims(): Claim[] {
    return this.#capture.frames.filter(frame => this.#isClaim(frame)).map(claimIn)
  }

  get adverts(): SeenAdvert[] {
    return this.#capture.frames.flatMap(({ bytes, ip }) =>
      ip?.protocol === IPPROTO_VRRP ? [{ source: ip.source, priority: bytes.readUInt8(36) }] : [],
    )
  }

  /** Asks everybody who has the address; `claims` tells who answers. */
  ask(): void {
    const request = encodeGratuitousArp({ address: this.#address, mac: mac(this.#host.mac) })
    request.set(
      addressBytes(parseAddress(this.#host.addresses[0]?.split('/')[0] ?? '')).subarray(12),
      ARP_AT + 14,
    )
    this.#frames.send(this.#ifindex, request)
  }

  close(): void {
    this.#capture.close()
    this.#frames.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #isClaim({ etherType, bytes }: Frame): boolean {
    if (etherType !== ETH_P_ARP) return false
    return addressFromBytes(bytes.subarray(ARP_AT + 14, ARP_AT + 18)) === this.#address
  }
}

function claimIn({ bytes }: Frame): Claim {
  return {
    by: macFromBytes(bytes.subarray(ARP_AT + 8, ARP_AT + 14)),
    isAnswer: bytes.readUInt16BE(ARP_AT + 6) === 2,
  }
}
