import { Capture } from './capture.js'
import type { Children } from './children.js'
import { Namespace } from './namespace.js'

export interface HostOptions {
  /** With prefix length: `10.0.0.11/24`. */
  readonly addresses: readonly string[]
  /** @default enp0s8 */
  readonly interface?: string
}

/** Where a host's cable ends. */
export interface Port {
  readonly switch: Namespace
  /** The interface in the switch's namespace; its name is the host's. */
  readonly name: string
}

/** A host of the lab: a namespace with `lo` and one Ethernet interface, joined to the switch. */
export class Host extends Namespace {
  readonly name: string
  readonly interface: string
  readonly mac: string
  readonly addresses: readonly string[]
  readonly #port: Port

  constructor(
    options: {
      namespace: string
      interface: string
      mac: string
      port: Port
      addresses: readonly string[]
    },
    children: Children,
  ) {
    super(options.namespace, children)
    this.name = options.port.name
    this.interface = options.interface
    this.mac = options.mac
    this.addresses = options.addresses
    this.#port = options.port
  }

  /** Pulls the cable: the interface loses its carrier. */
  async cutLink(): Promise<void> {
    await this.#port.switch.ip(`link set ${this.#port.name} down`)
  }

  async restoreLink(): Promise<void> {
    await this.#port.switch.ip(`link set ${this.#port.name} up`)
  }

  /** Sees, from now on, each frame that goes over the cable, in both directions. */
  capture(): Capture {
    const ifindex = this.#port.switch.ifindex(this.#port.name)
    return this.#port.switch.enter(() => new Capture(ifindex))
  }
}
