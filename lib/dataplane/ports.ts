import { XdplbError } from '../errors.js'
import type { TypedMap } from '../libbpf/index.js'
import { type Mac, macBytes } from '../net/mac.js'
import { limit, type Port } from './layout.gen.js'
import type { StructArray } from './struct-array.js'
import { resumeTagStripping, stopTagStripping } from './tag-stripping.js'

const NO_PORT: Port = { mac: new Uint8Array(6), stripped: 0, ifindex: 0, egress: 0 }

/** An interface that packets come in by. */
export interface Ingress {
  readonly name: string
  readonly ifindex: number
  /** Frames to other addresses are not for us. */
  readonly mac: Mac
  /** Where a frame goes that is sent back: the interface itself, or the bond that it is a port of. */
  readonly egress: number
}

/**
 * What the program knows of interfaces: those that packets come in by, and those that they may leave by. The cards of
 * those that packets come in by leave VLAN tags where they are meanwhile.
 */
export class Ports {
  readonly #ports: StructArray<Port>
  readonly #egress: TypedMap<number, number>
  /** Their names, by index. */
  readonly #open = new Map<number, string>()

  constructor(ports: StructArray<Port>, egress: TypedMap<number, number>) {
    this.#ports = ports
    this.#egress = egress
  }

  /** Balances what comes in there, or goes on with other addresses. Throws `UNSUPPORTED` when there is no room for it. */
  open({ name, ifindex, mac, egress }: Ingress): void {
    const slot = ifindex % limit.ports
    const before = this.#ports.read(slot)
    const holder = before.ifindex
    if (holder !== ifindex && this.#open.has(holder)) {
      const found = `its index ${ifindex} and the index ${holder} of another interface are equal modulo ${limit.ports}`
      throw new XdplbError('UNSUPPORTED', `attach to interface: ${name}: ${found}, expected them to differ`)
    }
    const stripped = holder === ifindex ? before.stripped : 0
    this.#ports.write(slot, { mac: macBytes(mac), stripped, ifindex, egress })
    this.#open.set(ifindex, name)
    if (egress === ifindex) this.#egress.update(ifindex, ifindex)
  }

  /** Its card leaves VLAN tags where they are from now on. */
  restrain(ifindex: number): void {
    const name = this.#open.get(ifindex)
    if (name === undefined) return
    const slot = ifindex % limit.ports
    this.#ports.update(slot, { stripped: this.#ports.read(slot).stripped | stopTagStripping(name) })
  }

  /** What a former process had opened is this one's to close. */
  takeOver({ name, ifindex }: Pick<Ingress, 'name' | 'ifindex'>): void {
    if (this.#ports.read(ifindex % limit.ports).ifindex === ifindex) this.#open.set(ifindex, name)
  }

  /** Its card does again what it did before, if it is still there. */
  close(ifindex: number): void {
    this.#restore(ifindex)
    if (!this.#open.delete(ifindex)) return
    this.#ports.write(ifindex % limit.ports, NO_PORT)
    this.#egress.delete(ifindex)
  }

  /** All cards do again what they did before: the program leaves. */
  restore(): void {
    for (const ifindex of this.#open.keys()) this.#restore(ifindex)
  }

  /** Has its card been told to leave VLAN tags where they are? */
  isRestrained(ifindex: number): boolean {
    return this.#open.has(ifindex) && this.#ports.read(ifindex % limit.ports).stripped !== 0
  }

  #restore(ifindex: number): void {
    const name = this.#open.get(ifindex)
    if (name === undefined) return
    try {
      resumeTagStripping(name, this.#ports.read(ifindex % limit.ports).stripped)
    } catch (error) {
      if (!(error instanceof XdplbError) || error.code !== 'NOT_FOUND') throw error
    }
  }
}
