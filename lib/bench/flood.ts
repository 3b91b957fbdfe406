import { readFileSync } from 'node:fs'
import type { Port } from './bed.js'
import type { Source } from './source.js'
import type { Pattern } from './walk.js'

/** What became of the packets that were made. */
export interface FloodCount {
  /** Given to the driver. */
  readonly made: number
  /** That the interface says to have sent, whoever's they were. */
  readonly sent: number
  /** That came back. */
  readonly returned: number
}

/** Packets of a number of flows, out of an interface in bursts. */
export class Flood {
  readonly #source: Source
  readonly #port: Port
  readonly #pattern: Pattern
  readonly #flows: number
  readonly #sentBefore: number
  readonly #arrivedBefore: readonly number[]
  #made = 0
  #cpuNs = 0
  #wallNs = 0

  constructor(source: Source, port: Port, { pattern, flows }: { pattern: Pattern; flows: number }) {
    this.#source = source
    this.#port = port
    this.#pattern = pattern
    this.#flows = flows
    this.#sentBefore = packetsSent(port.name)
    this.#arrivedBefore = source.arrived()
  }

  /** Makes so many packets as fast as can be, of the flows that are next. */
  burst(packets: number): void {
    const walk = { order: 'counting', from: this.#made % this.#flows, flows: this.#flows } as const
    const options = { packets, ifindex: this.#port.ifindex }
    const { cpu, wall } = this.#source.send(this.#pattern, walk, options)
    this.#made += packets
    this.#cpuNs += cpu * packets
    this.#wallNs += wall * packets
  }

  /** How many are made in a millisecond. */
  get perMs(): number {
    return this.#made / (this.#wallNs / 1e6)
  }

  /** CPU time of one, in ns. */
  get cpu(): number {
    return this.#cpuNs / this.#made
  }

  get count(): FloodCount {
    const returned = this.#returned().reduce((sum, count) => sum + count, 0)
    return { made: this.#made, sent: packetsSent(this.#port.name) - this.#sentBefore, returned }
  }

  /** To how many stations those were sent that came back. */
  get stations(): number {
    return this.#returned().filter(count => count > 0).length
  }

  #returned(): number[] {
    return this.#source.arrived().map((total, station) => total - (this.#arrivedBefore[station] ?? 0))
  }
}

/** As an interface of the thread's network namespace counts them. */
function packetsSent(name: string): number {
  const [, counters = ''] =
    readFileSync('/proc/thread-self/net/dev', 'utf8')
      .split('\n')
      .map(line => line.split(':'))
      .find(([interfaceName]) => interfaceName?.trim() === name) ?? []
  return Number(counters.trim().split(/\s+/)[TRANSMITTED_PACKETS])
}

/** Among the columns of /proc/net/dev: dev_seq_printf_stats() of net/core/net-procfs.c. */
const TRANSMITTED_PACKETS = 9
