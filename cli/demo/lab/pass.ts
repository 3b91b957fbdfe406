import type { Link } from '../../../lib/libbpf/link.js'
import { BpfObject } from '../../../lib/libbpf/object.js'
import { built } from './built.js'

/**
 * XDP programs that pass everything on. A veth hands over what its peer sends by XDP_TX only when a program sits on it
 * too: veth_xdp_flush() in drivers/net/veth.c.
 */
export class PassPrograms implements Disposable {
  readonly #object = BpfObject.open(built('bpf/lab.bpf.o')).withXdpFrags().load()
  readonly #links: Link[] = []

  /** @param ifindex in the network namespace of this thread */
  attach(ifindex: number): void {
    this.#links.push(this.#object.program('pass').attachXdp(ifindex))
  }

  close(): void {
    for (const link of this.#links.splice(0)) link.close()
    this.#object.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
