import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from '../../cli/demo/lab/child.js'
import type { Host } from '../../cli/demo/lab/host.js'
import type { Lab } from '../../cli/demo/lab/lab.js'
import { vip } from '../../cli/demo/lab/seed.js'
import { Site } from './daemon.js'
import { logged } from './daemon-log.js'

export const enteringMaster = /Entering MASTER STATE/

/** Of the seed's two: `master`, `backup`. */
export function seedFile(name: 'master' | 'backup'): string {
  return readFileSync(new URL(`../fixtures/seed/${name}.conf`, import.meta.url), 'utf8')
}

/** One balancer of a pair: its daemon comes and goes. */
export class PairNode implements Disposable {
  readonly host: Host
  /** What it is started with. */
  config: string
  readonly #site: Site
  #daemon: Child | undefined

  constructor(lab: Lab, host: Host | undefined, config: string) {
    if (host === undefined) throw new Error('no such balancer in the lab')
    this.host = host
    this.#site = new Site(lab, host)
    this.config = config
  }

  get daemon(): Child {
    if (this.#daemon === undefined) throw new Error('not started')
    return this.#daemon
  }

  async start(...args: string[]): Promise<void> {
    this.#daemon = await this.#site.start(this.config, ...args)
  }

  /** By SIGTERM. */
  async stop(): Promise<void> {
    await this.daemon.stop()
  }

  /** Waits for the first line of its log like this from that moment on. @returns when it was written */
  logged(text: RegExp, from = 0): Promise<number> {
    return logged(this.daemon, text, from)
  }

  /** Waits until it has become master, at that moment or after it. @returns when */
  becameMaster(from = 0): Promise<number> {
    return this.logged(enteringMaster, from)
  }

  async state(): Promise<string | undefined> {
    return (await this.#site.status()).vrrp[0]?.state
  }

  /** Waits until it says that it is in this state, and all that belongs to it is done. */
  async reaches(state: string): Promise<void> {
    while ((await this.state()) !== state) await sleep(20)
  }

  async hasAddress(): Promise<boolean> {
    return (await this.host.run(['ip', '-4', 'address'])).includes(`inet ${vip}/`)
  }

  /** The process that runs VRRP. */
  get vrrpPid(): number {
    const { pid } = this.daemon
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    const found = children.find(child =>
      readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('vrrp/process'),
    )
    if (found === undefined) throw new Error(`process ${pid} has no VRRP process: ${children}`)
    return Number(found)
  }

  [Symbol.dispose](): void {
    this.#site[Symbol.dispose]()
  }
}
