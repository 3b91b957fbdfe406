import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from '../../cli/demo/lab/child.js'
import type { Host } from '../../cli/demo/lab/host.js'
import type { Lab } from '../../cli/demo/lab/lab.js'
import { vip } from '../../cli/demo/lab/seed.js'

const POLL_MS = 5

/** The real keepalived on a host of the lab, without IPVS: it speaks VRRP and owns the address, no more. */
export class KeepalivedNode implements Disposable {
  readonly host: Host
  readonly #file: (suffix: string) => string
  readonly #lines: { time: number; text: string }[] = []
  readonly #timer = setInterval(() => this.#note(), POLL_MS)
  #child: Child | undefined
  #read = 0

  constructor(lab: Lab, host: Host, config: string) {
    this.host = host
    this.#file = suffix => join(lab.directory, `keepalived-${host.name}.${suffix}`)
    writeFileSync(this.#file('conf'), config)
  }

  async start(): Promise<void> {
    const [file, pid, vrrpPid] = ['conf', 'pid', 'vrrp.pid'].map(this.#file)
    const argv = ['keepalived', '-n', '-l', '-D', '-P', '-f', `${file}`, '-p', `${pid}`, '-r', `${vrrpPid}`]
    this.#note()
    this.#read = 0
    this.#child = this.host.spawn(argv)
    await this.#child.printed(/Entering BACKUP STATE \(init\)/)
  }

  /** By SIGTERM: it says farewell. */
  async stop(): Promise<void> {
    await this.#child?.stop()
  }

  /** Waits for the first line like this from that moment on. @returns when it was seen; keepalived's own clock shows seconds */
  async logged(text: RegExp, from = 0): Promise<number> {
    for (;;) {
      this.#note()
      const line = this.#lines.find(line => line.time >= from && text.test(line.text))
      if (line) return line.time
      await sleep(POLL_MS)
    }
  }

  async hasAddress(): Promise<boolean> {
    return (await this.host.run(['ip', '-4', 'address'])).includes(`inet ${vip}/`)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #note(): void {
    const printed = `${this.#child?.stdout ?? ''}${this.#child?.stderr ?? ''}`
    const end = printed.lastIndexOf('\n') + 1
    const lines = printed.slice(this.#read, end).split('\n').filter(Boolean)
    this.#read = Math.max(this.#read, end)
    for (const text of lines) this.#lines.push({ time: Date.now(), text })
  }
}
