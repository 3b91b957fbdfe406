import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { VrrpStateName, VrrpStatus } from '../status.js'
import type { InstanceOrder, Order, Report, RoleCells } from './orders.js'

export interface VrrpProcessEvents {
  become: [instance: string, state: VrrpStateName]
  log: [level: 'info' | 'warn', text: string]
}

/** Like this file, compiled or not. */
const PROGRAM = fileURLToPath(new URL(`process${extname(import.meta.url)}`, import.meta.url))

/** A process that dies again and again is started no more often than once in so many milliseconds. */
const RESTART_MS = 1000
/** To say farewell on the network takes no time; more than this is a fault. */
const STOP_MS = 2000

/** Runs VRRP instances in a process of their own, and starts it again when it dies. */
export class VrrpProcess extends EventEmitter<VrrpProcessEvents> {
  readonly #order: Order
  readonly #statuses = new Map<string, VrrpStatus>()
  #child: ChildProcess
  #startedAt = 0
  #closing = false

  constructor(instances: readonly InstanceOrder[], roles: RoleCells) {
    super()
    this.#order = { type: 'start', instances, roles }
    for (const { instance } of instances) this.#note(instance.name, 'INIT')
    this.#child = this.#start()
  }

  /** What each instance is now, in the order in which they were given. */
  status(): VrrpStatus[] {
    return [...this.#statuses.values()]
  }

  /**
   * Ends the process: it gives the addresses up, by priority 0.
   *
   * @param options.leave it does not: the addresses stay for the next start
   */
  async close({ leave = false }: { leave?: boolean } = {}): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    if (!hasStarted(this.#child) || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    const order: Order = { type: 'stop', leave }
    if (this.#child.connected) this.#child.send(order)
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
    await exited
    clearTimeout(impatience)
  }

  #start(): ChildProcess {
    this.#startedAt = performance.now()
    const child = fork(PROGRAM, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.on('message', (report: Report) => this.#hear(report))
    child.on('exit', (code, signal) => this.#revive(`${signal ?? `exit ${code}`}`))
    child.on('error', ({ message }) => {
      if (hasStarted(child)) return // it could not be told something, and exits
      if (child.connected) child.disconnect()
      void this.#revive(message)
    })
    if (hasStarted(child)) child.send(this.#order)
    return child
  }

  #hear(report: Report): void {
    if (report.type === 'log') this.emit('log', report.level, report.text)
    else if (report.type === 'become') {
      this.#note(report.instance, report.state)
      this.emit('become', report.instance, report.state)
    }
  }

  #note(instance: string, state: VrrpStateName): void {
    this.#statuses.set(instance, { instance, state, since: new Date().toISOString() })
  }

  async #revive(end: string): Promise<void> {
    if (this.#closing) return
    this.emit('log', 'warn', `the VRRP process died (${end}): starting it again`)
    await sleep(Math.max(0, this.#startedAt + RESTART_MS - performance.now()), undefined, { ref: false })
    if (!this.#closing) this.#child = this.#start()
  }
}

/** Without descriptors or memory to spare there is no process, only an error that is told later. */
function hasStarted(child: ChildProcess): boolean {
  return child.pid !== undefined
}
