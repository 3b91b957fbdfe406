import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { XdplbError } from '../errors.js'
import type { Mac } from '../net/mac.js'
import { UnnamedNamespace } from '../net/namespace.js'
import { Netlink } from '../net/netlink/netlink.js'

/** One end of a cable. */
export interface Port {
  readonly name: string
  readonly ifindex: number
  readonly mac: Mac
}

/** A pair of veth. */
export interface Cable {
  /** Where packets are sent and come back. */
  readonly near: Port
  /** Where they are forwarded. */
  readonly far: Port
}

/** For a host that forwards to where a packet came from, also from addresses that it has no route to. */
const settings = {
  'ipv4/ip_forward': 1,
  'ipv4/conf/all/rp_filter': 0,
  'ipv4/conf/default/rp_filter': 0,
  'ipv4/conf/all/send_redirects': 0,
  'ipv4/conf/default/send_redirects': 0,
  'ipv6/conf/default/accept_dad': 0,
  'ipv6/conf/default/accept_ra': 0,
} as const

/** A network namespace for a bench, with cables in it. All of it goes with this process, however that ends. */
export class Bed implements Disposable {
  readonly #namespace = UnnamedNamespace.make()

  constructor() {
    this.enter(() => {
      for (const [name, value] of Object.entries(settings)) {
        const file = `/proc/sys/net/${name}`
        if (existsSync(file)) writeFileSync(file, `${value}`)
      }
    })
    this.ip('link set lo up')
  }

  /** Runs a synchronous function in it. */
  enter<T>(fn: () => T): T {
    return this.#namespace.enter(fn)
  }

  /** Runs a command in it to its end, and gives what it prints. */
  run(command: string, args: readonly string[], input = ''): string {
    return this.enter(() => execFileSync(command, args, { encoding: 'utf8', input, stdio: 'pipe' }))
  }

  /** Runs commands of ip(8). */
  ip(...commands: readonly string[]): void {
    try {
      this.run('ip', ['-batch', '-'], commands.join('\n'))
    } catch (cause) {
      throw new XdplbError('UNSUPPORTED', 'build network: ip(8) of iproute2 with veth did not do it', {
        cause,
      })
    }
  }

  /** Lays a cable whose ends are named after it: `floor` and `floor-near`. */
  cable(name: string): Cable {
    const near = `${name}-near`
    this.ip(`link add ${near} type veth peer name ${name}`, `link set ${near} up`, `link set ${name} up`)
    return this.enter(() => ({ near: portOf(near), far: portOf(name) }))
  }

  close(): void {
    this.#namespace.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** The interface of that name in the thread's network namespace. Throws `NOT_FOUND`, `UNSUPPORTED`. */
export function portOf(name: string): Port {
  using netlink = Netlink.open()
  const link = netlink.link(name)
  if (link === undefined) throw new XdplbError('NOT_FOUND', `find interface: ${name}: no such interface`)
  const { index: ifindex, mac } = link
  if (mac === undefined || link.loopback) {
    throw new XdplbError(
      'UNSUPPORTED',
      `find interface: ${name}: not Ethernet, expected an Ethernet interface`,
    )
  }
  return { name, ifindex, mac }
}
