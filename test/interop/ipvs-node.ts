import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Child } from '../../cli/demo/lab/child.js'
import type { Host } from '../../cli/demo/lab/host.js'
import { BRIDGE, type Lab } from '../../cli/demo/lab/lab.js'
import { PrintedLines } from './printed-lines.js'

const TOOL = fileURLToPath(new URL('../tools/ipvs-node', import.meta.url))
const GUEST = fileURLToPath(new URL('keepalived-guest.sh', import.meta.url))

/** What the director is told, each by a file that is there or not: see keepalived-guest.sh. */
type Wish = 'power' | 'wanted'

export interface IpvsNodeOptions {
  /** Of its port of the switch, and of its files. */
  readonly name: string
  /** With prefix length. */
  readonly address: string
  readonly mac: string
  readonly config: string
}

/** The seed's own system as one more host of the lab: the real keepalived with the real IPVS, in a kernel of its own. */
export class IpvsNode implements AsyncDisposable {
  /** Its card does not notice when the cable is cut: it stays what it was, and nobody hears it. */
  readonly host: Pick<Host, 'mac' | 'cutLink' | 'restoreLink'>
  readonly #child: Child
  readonly #directory: string
  readonly #lines = new PrintedLines()

  /** Boots it, which takes seconds; keepalived is not started yet. */
  static async boot(lab: Lab, options: IpvsNodeOptions): Promise<IpvsNode> {
    const { name } = options
    await lab.switch.ip(`tuntap add ${name} mode tap`, `link set ${name} master ${BRIDGE} up`)
    const node = new IpvsNode(lab, options)
    try {
      await node.#child.printed(/^director: ready/m)
    } catch (error) {
      await node.close()
      throw error
    }
    return node
  }

  private constructor(lab: Lab, { name, address, mac, config }: IpvsNodeOptions) {
    this.host = {
      mac,
      cutLink: () => lab.switch.ip(`link set ${name} nomaster`),
      restoreLink: () => lab.switch.ip(`link set ${name} master ${BRIDGE}`),
    }
    this.#directory = join(lab.directory, `ipvs-${name}`)
    mkdirSync(this.#directory)
    writeFileSync(join(this.#directory, 'keepalived.conf'), config)
    this.#tell('power', true)
    const guest = [GUEST, this.#directory, address, mac]
    this.#child = lab.switch.spawn([TOOL, lab.switch.namespace, name, ...guest])
    this.#lines.follow(this.#child)
  }

  /** Fulfilled when keepalived takes part. */
  async start(): Promise<void> {
    const begun = Date.now()
    this.#tell('wanted', true)
    await this.logged(/Entering BACKUP STATE \(init\)/, begun)
  }

  /** keepalived's stop by SIGTERM; the host itself stays. */
  async stop(): Promise<void> {
    const begun = Date.now()
    this.#tell('wanted', false)
    await this.logged(/^director: keepalived stopped/, begun)
  }

  /** Waits for the first line like this from that moment on. @returns when it was seen */
  logged(text: RegExp, from = 0): Promise<number> {
    return this.#lines.logged(text, from)
  }

  /** Before the lab: it waits for its processes, and this one ends only when it is told so. */
  async close(): Promise<void> {
    this.#tell('power', false)
    await this.#child.exited
    this.#lines[Symbol.dispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #tell(wish: Wish, on: boolean): void {
    const file = join(this.#directory, wish)
    if (on) writeFileSync(file, '')
    else rmSync(file, { force: true })
  }
}
