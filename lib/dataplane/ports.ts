import { XdplbError } from '../errors.js'
import type { TypedMap } from '../libbpf/index.js'
import { type Mac, macBytes } from '../net/mac.js'
import { limit, type Port } from './layout.gen.js'
import type { StructArray } from './struct-array.js'

const NO_PORT: Port = { mac: new Uint8Array(6), ifindex: 0, egress: 0 }

/** An interface that packets come in by. */
export interface Ingress {
  readonly name: string
  readonly ifindex: number
  /** Frames to other addresses are not for us. */
  readonly mac: Mac
  /** Where a frame goes that is sent back: the interface itself, or the bond that it is a port of. */
  readonly egress: number
}

/** What the program knows of interfaces: those that packets come in by, and those that they may leave by. */
export class Ports {
  readonly #ports: StructArray<Port>
  readonly #egress: TypedMap<number, number>
  readonly #open = new Set<number>()

  constructor(ports: StructArray<Port>, egress: TypedMap<number, number>) {
    this.#ports = ports
    this.#egress = egress
  }

  /** Balances what comes in there, or goes on with other addresses. Throws `UNSUPPORTED` when there is no room for it. */
  open({ name, ifindex, mac, egress }: Ingress): void {
    const slot = ifindex % limit.ports
    const holder = this.#ports.read(slot).ifindex
    if (holder !== ifindex && this.#open.has(holder)) {
      const found = `its index ${ifindex} and the index ${holder} of another interface are equal modulo ${limit.ports}`
      throw new XdplbError('UNSUPPORTED', `attach to interface: ${name}: ${found}, expected them to differ`)
    }
    this.#ports.write(slot, { mac: macBytes(mac), ifindex, egress })
    this.#open.add(ifindex)
    if (egress === ifindex) this.#egress.update(ifindex, ifindex)
  }

  close(ifindex: number): void {
    if (!this.#open.delete(ifindex)) return
    this.#ports.write(ifindex % limit.ports, NO_PORT)
    this.#egress.delete(ifindex)
  }
}
