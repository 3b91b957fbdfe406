import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Child } from '../../cli/demo/lab/child.js'
import type { Host } from '../../cli/demo/lab/host.js'
import type { Lab } from '../../cli/demo/lab/lab.js'
import { vip } from '../../cli/demo/lab/seed.js'
import { PrintedLines } from './printed-lines.js'

/** On a busy machine it takes its time to say farewell. */
const STOP_MS = 10_000

/** The real keepalived on a host of the lab, without IPVS: it speaks VRRP and owns the address, no more. */
export class KeepalivedNode implements Disposable {
  readonly host: Host
  readonly #file: (suffix: string) => string
  readonly #lines = new PrintedLines()
  #child: Child | undefined

  constructor(lab: Lab, host: Host, config: string) {
    this.host = host
    this.#file = suffix => join(lab.directory, `keepalived-${host.name}.${suffix}`)
    writeFileSync(this.#file('conf'), config)
  }

  async start(): Promise<void> {
    const [file, pid, vrrpPid] = ['conf', 'pid', 'vrrp.pid'].map(this.#file)
    const argv = ['keepalived', '-n', '-l', '-D', '-P', '-f', `${file}`, '-p', `${pid}`, '-r', `${vrrpPid}`]
    this.#child = this.host.spawn(argv)
    this.#lines.follow(this.#child)
    await this.#child.printed(/Entering BACKUP STATE \(init\)/)
  }

  /** By SIGTERM: it says farewell. */
  async stop(): Promise<void> {
    await this.#child?.stop(STOP_MS)
  }

  /** Waits for the first line like this from that moment on. @returns when it was seen */
  logged(text: RegExp, from = 0): Promise<number> {
    return this.#lines.logged(text, from)
  }

  async hasAddress(): Promise<boolean> {
    return (await this.host.run(['ip', '-4', 'address'])).includes(`inet ${vip}/`)
  }

  [Symbol.dispose](): void {
    this.#lines[Symbol.dispose]()
  }
}
