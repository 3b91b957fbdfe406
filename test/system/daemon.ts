import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Child } from '../../cli/demo/lab/child.js'
import type { Host } from '../../cli/demo/lab/host.js'
import type { Lab } from '../../cli/demo/lab/lab.js'
import type { Connection } from '../../lib/connection.js'
import { ControlClient } from '../../lib/control/client.js'
import { socketPath } from '../../lib/control/socket-path.js'
import type { BalancerStatus } from '../../lib/status.js'

/** The master's file of the seed, byte for byte. */
export const seedMaster = readFileSync(new URL('../fixtures/seed/master.conf', import.meta.url), 'utf8')

/** The same for one that is alone: the owner of an address is master at once, without an election (RFC 3768 §5.3.4). */
export const seedOwner = seedMaster.replace('priority 200', 'priority 255')

/** Where one host's balancers keep what outlives them: each host of a lab has its own. */
export class Site implements Disposable {
  readonly host: Host
  readonly bpffs: string
  readonly runDir: string
  readonly #directory: string

  constructor(lab: Lab, host: Host) {
    this.host = host
    this.#directory = join(lab.directory, `site-${host.name}`)
    this.bpffs = join(this.#directory, 'bpf')
    this.runDir = join(this.#directory, 'run')
    mkdirSync(this.bpffs, { recursive: true })
  }

  /** Starts `xdplb run` with this configuration; fulfilled when it is master. */
  async run(config: string, ...args: string[]): Promise<Child> {
    const child = await this.start(config, ...args)
    await child.printed(/Entering MASTER STATE/)
    return child
  }

  /** The same; fulfilled when it is ready. */
  async start(config: string, ...args: string[]): Promise<Child> {
    const file = join(this.#directory, 'keepalived.conf')
    writeFileSync(file, config)
    const child = this.host.node(
      'cli/main.js',
      'run',
      '-f',
      file,
      '--log-format',
      'json',
      ...this.#places(),
      ...args,
    )
    await child.printed(/"msg":"ready"/)
    return child
  }

  status(name = 'xdplb'): Promise<BalancerStatus> {
    return this.#client(name).status()
  }

  async connections(): Promise<Connection[]> {
    const found: Connection[] = []
    for await (const connection of this.#client().connections()) found.push(connection)
    return found
  }

  /** Runs the command to its end, here. */
  xdplb(...args: string[]): Promise<string> {
    return this.host.node('cli/main.js', ...args, ...this.#places()).output()
  }

  [Symbol.dispose](): void {
    spawnSync('umount', [this.bpffs])
  }

  #client(name = 'xdplb'): ControlClient {
    return new ControlClient(socketPath({ runDir: this.runDir, name }))
  }

  #places(): string[] {
    return ['--bpffs', this.bpffs, '--run-dir', this.runDir]
  }
}
