import { type Address, addressBytes, addressFromBytes } from '../address.js'
import { XdplbError } from '../errors.js'
import { limit, mode, type Real, realState } from './layout.gen.js'
import type { StructArray } from './struct-array.js'

/** Who a real is: an entry says it of itself, so that the next process finds its own again. */
export interface RealIdentity {
  readonly service: number
  readonly address: Address
  readonly port: number
}

/** How packets reach a real. */
export interface NextHop {
  readonly destinationMac: Uint8Array
  readonly sourceMac: Uint8Array
  readonly ifindex: number
  /** VLAN tags that frames leave with, as bpf/link.h has them; 0: none. */
  readonly tags: number
  /** Bytes of IP that get there in one piece. */
  readonly mtu: number
  /** `mode` of bpf/types.h. */
  readonly mode: number
  /** Where packets in a tunnel come from; unspecified if there is none. */
  readonly tunnelSource: Uint8Array
}

/** Whether a `mode` of bpf/types.h is one of a tunnel. */
export function isTunnel(number: number): boolean {
  return number === mode.tunnel_ipv4 || number === mode.tunnel_ipv6
}

/** The way to a real that none is known to. */
export const nowhere: NextHop = {
  destinationMac: new Uint8Array(6),
  sourceMac: new Uint8Array(6),
  ifindex: 0,
  tags: 0,
  mtu: 0xffff,
  mode: mode.direct,
  tunnelSource: new Uint8Array(16),
}

/**
 * The {service, real} pairs and their ids. An id stays with its pair while any flow names it, also when the real has
 * left the service: its flows are dropped meanwhile, and go on if it comes back, as IPVS's trash has it.
 */
export class RealTable {
  readonly #array: StructArray<Real>
  readonly #ids = new Map<string, number>()
  readonly #byService = new Map<number, Set<number>>()
  #lastGiven = 0

  constructor(array: StructArray<Real>) {
    this.#array = array
    for (const id of array.used()) {
      const entry = array.read(id)
      if (entry.state !== realState.free) this.#remember(id, identityOf(entry))
    }
  }

  /** The pair's id, its own from before if it has one. Throws `CONFIG` when all are given out. */
  acquire(identity: RealIdentity): number {
    const known = this.#ids.get(keyOf(identity))
    if (known !== undefined) {
      const state = this.#array.read(known).ifindex === 0 ? realState.unresolved : realState.up
      this.#array.update(known, { state })
      return known
    }
    const id = this.#freeId()
    const { service, port } = identity
    const address = addressBytes(identity.address)
    this.#array.write(id, {
      ...nowhere,
      address,
      service,
      port,
      state: realState.unresolved,
    })
    this.#remember(id, identity)
    return id
  }

  /** Its packets go this way from now on; to nobody while the way is not known. */
  setNextHop(id: number, hop: NextHop | undefined): void {
    this.#array.update(id, { ...(hop ?? nowhere), state: hop ? realState.up : realState.unresolved })
  }

  /** The real has left its service. */
  remove(id: number): void {
    this.#array.update(id, { state: realState.removed })
  }

  /** No flow names the id any more: it may be given to another pair. */
  free(id: number): void {
    const identity = this.identity(id)
    this.#ids.delete(keyOf(identity))
    this.#byService.get(identity.service)?.delete(id)
    this.#array.update(id, { state: realState.free })
  }

  read(id: number): Real {
    return this.#array.read(id)
  }

  identity(id: number): RealIdentity {
    return identityOf(this.#array.read(id))
  }

  /** All ids that are not free, in no order. */
  ids(): Iterable<number> {
    return this.#ids.values()
  }

  /** Those of one service. */
  ofService(service: number): readonly number[] {
    return [...(this.#byService.get(service) ?? [])]
  }

  #remember(id: number, identity: RealIdentity): void {
    this.#ids.set(keyOf(identity), id)
    const ids = this.#byService.get(identity.service) ?? new Set()
    this.#byService.set(identity.service, ids.add(id))
  }

  #freeId(): number {
    for (let step = 1; step < this.#array.length; step++) {
      const id = ((this.#lastGiven + step - 1) % (this.#array.length - 1)) + 1
      if (this.#array.read(id).state === realState.free) {
        this.#lastGiven = id
        return id
      }
    }
    throw new XdplbError(
      'CONFIG',
      `add real server: all ${limit.reals - 1} ids are in use or named by flows that live on`,
    )
  }
}

function identityOf(entry: Real): RealIdentity {
  return {
    service: entry.service,
    address: addressFromBytes(entry.address),
    port: entry.port,
  }
}

function keyOf({ service, address, port }: RealIdentity): string {
  return `${service} ${address} ${port}`
}
