import { XdplbError } from '../../../lib/errors.js'
import { inNamespace } from '../../../lib/net/namespace.js'
import { Netlink } from '../../../lib/net/netlink/netlink.js'
import { built } from './built.js'
import type { Child } from './child.js'
import type { Children } from './children.js'

/** A network namespace of the lab: a host's, or the switch's. */
export class Namespace {
  /** As `ip netns` has it. */
  readonly namespace: string
  readonly #children: Children

  /** @param children who starts processes and ends them */
  constructor(namespace: string, children: Children) {
    this.namespace = namespace
    this.#children = children
  }

  get path(): string {
    return `/run/netns/${this.namespace}`
  }

  /** Starts a program here. It lives until it ends, is stopped, or the lab closes. */
  spawn(argv: readonly string[], options: { input?: string } = {}): Child {
    return this.#children.start(argv, { ...options, namespace: this.path })
  }

  /** Starts a built Node program here: `cli/main.js`. */
  node(script: string, ...args: readonly string[]): Child {
    return this.spawn([process.execPath, built(script), ...args])
  }

  /** Runs a program here to its end. @returns its standard output; throws with its last words when it fails */
  run(argv: readonly string[], options?: { input?: string }): Promise<string> {
    return this.spawn(argv, options).output()
  }

  /** Runs commands of ip(8) here, all in one process. */
  async ip(...commands: readonly string[]): Promise<void> {
    await this.run(['ip', '-batch', '-'], { input: commands.join('\n') })
  }

  /** Throws `NOT_FOUND` when there is no such interface here. */
  ifindex(name: string): number {
    return this.enter(() => {
      using netlink = Netlink.open()
      const link = netlink.link(name)
      if (link === undefined) {
        throw new XdplbError('NOT_FOUND', `find interface: ${name}: none in ${this.namespace}`)
      }
      return link.index
    })
  }

  /** Runs a synchronous function here, in this process. */
  enter<T>(fn: () => T): T {
    return inNamespace(this.path, fn)
  }
}
