import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ControlClient } from '../../lib/control/client.js'
import { socketPath } from '../../lib/control/socket-path.js'
import type { BalancerStatus } from '../../lib/status.js'
import type { Child } from './lab/child.js'
import type { Host } from './lab/host.js'
import type { Lab } from './lab/lab.js'

/** One of the two balancers: a host, its configuration, its daemon, and a mail server of its own. */
export class Node {
  readonly host: Host
  readonly mail: Child
  readonly #directory: string
  #daemon: Child | undefined

  constructor(lab: Lab, host: Host, configuration: string) {
    this.host = host
    this.#directory = join(lab.directory, host.name)
    mkdirSync(join(this.#directory, 'bpf'), { recursive: true })
    writeFileSync(this.#file, configuration)
    this.mail = host.node('cli/demo/lab/programs/mail-server.js')
  }

  /** Starts the daemon; fulfilled when the instance has become that. */
  async start(state: 'MASTER' | 'BACKUP'): Promise<void> {
    await this.mail.printed(/^open$/m)
    this.#daemon = this.host.node('cli/main.js', 'run', '-f', this.#file, ...this.places)
    await this.#daemon.printed(new RegExp(`Entering ${state} STATE`))
  }

  /** What the commands of this node want to know: where its things are. */
  get places(): string[] {
    return ['--run-dir', this.#runDir, '--bpffs', join(this.#directory, 'bpf')]
  }

  status(): Promise<BalancerStatus> {
    return new ControlClient(socketPath({ runDir: this.#runDir, name: 'xdplb' })).status()
  }

  /** Waits for words of the daemon. */
  async said(words: RegExp): Promise<void> {
    await this.#daemon?.printed(words)
  }

  async kill(): Promise<void> {
    this.#daemon?.signal('SIGKILL')
    await this.#daemon?.exited
  }

  /** @returns how it ended: `exit 0` */
  async stop(): Promise<string | undefined> {
    await this.#daemon?.stop(5000)
    return this.#daemon?.exited
  }

  get #file(): string {
    return join(this.#directory, 'keepalived.conf')
  }

  get #runDir(): string {
    return join(this.#directory, 'run')
  }
}
