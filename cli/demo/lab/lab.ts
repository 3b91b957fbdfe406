import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { disableTxChecksumOffload } from '../../../lib/net/ethtool.js'
import { atExit } from './at-exit.js'
import { Children } from './children.js'
import type { HostOptions } from './host.js'
import { Host } from './host.js'
import { Namespace } from './namespace.js'
import { PassPrograms } from './pass.js'
import { applySettings, hostSettings, switchSettings } from './settings.js'
import { removeDirectory, removeLeftovers, removeNamespaces, traceName } from './traces.js'

export interface LabOptions {
  /** Close when a signal ends this process? Say no if the program handles signals itself. @default true */
  readonly closeOnSignal?: boolean
}

/** The interface that joins all ports of the switch, in its namespace. */
export const BRIDGE = 'bridge'

let opened = 0

/**
 * A network on this machine: hosts in namespaces of their own, joined by a switch. Needs root and iproute2. Nothing
 * is pretended: hosts find each other by ARP, the switch learns where they are.
 *
 * Any number of labs can be open at once, in this process and in others. What a killed process left behind is removed
 * when the next one opens.
 */
export class Lab implements AsyncDisposable {
  /** For files of this lab, and for BPF file systems to mount; goes with it. */
  readonly directory: string
  readonly switch: Namespace
  readonly #number: number
  readonly #children = new Children()
  readonly #namespaces: string[] = []
  readonly #passPrograms = new PassPrograms()
  readonly #callOff: () => void
  #hosts = 0
  #closing: Promise<void> | undefined

  static async open(options: LabOptions = {}): Promise<Lab> {
    removeLeftovers()
    opened += 1
    const lab = new Lab(opened, options.closeOnSignal ?? true)
    try {
      await lab.#add(lab.switch)
      lab.switch.enter(() => applySettings(switchSettings))
      await lab.switch.ip(
        `link add ${BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
        `link set ${BRIDGE} up`,
      )
      return lab
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  private constructor(number: number, signals: boolean) {
    this.#number = number
    this.directory = join(tmpdir(), traceName(number, 'lab'))
    mkdirSync(this.directory, { mode: 0o700 })
    this.#callOff = atExit(() => this.#abandon(), { signals })
    this.switch = new Namespace(traceName(number, 'switch'), this.#children)
  }

  /**
   * Adds a host and joins it to the switch. The line is up when this is fulfilled.
   *
   * @param name at most 15 characters, for its port of the switch is called that
   */
  async host(name: string, { addresses, interface: device = 'enp0s8' }: HostOptions): Promise<Host> {
    this.#hosts += 1
    const mac = `02:00:00:00:00:${this.#hosts.toString(16).padStart(2, '0')}`
    const port = { switch: this.switch, name }
    const namespace = traceName(this.#number, name)
    const host = new Host({ namespace, interface: device, mac, port, addresses }, this.#children)
    await this.#add(host)
    host.enter(() => applySettings(hostSettings))
    await host.ip('link set lo up')
    await this.connect(host)
    return host
  }

  /** Lays the cable of a host and gives its interface what addresses it has: at first, and when it was deleted. */
  async connect(host: Host): Promise<void> {
    const { name, interface: device, mac, addresses } = host
    await this.switch.ip(
      `link add ${name} type veth peer name ${device} address ${mac} netns ${host.namespace}`,
      `link set ${name} master ${BRIDGE} up`,
    )
    const ifindex = this.switch.ifindex(name)
    this.switch.enter(() => this.#passPrograms.attach(ifindex))
    host.enter(() => disableTxChecksumOffload(device))
    await host.ip(
      ...addresses.map(address => `address add ${address} dev ${device}`),
      `link set ${device} up`,
    )
  }

  /** Ends all its processes, waits until they are gone, and removes everything. Twice does no more than once. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #add({ namespace }: Namespace): Promise<void> {
    this.#namespaces.push(namespace)
    await this.#children.start(['ip', 'netns', 'add', namespace]).output()
  }

  async #close(): Promise<void> {
    await this.#children.close()
    this.#remove()
    this.#callOff()
  }

  /** For a process that is about to end. */
  #abandon(): void {
    this.#children.kill()
    this.#remove()
  }

  #remove(): void {
    this.#passPrograms.close()
    removeNamespaces(this.#namespaces)
    removeDirectory(this.directory)
  }
}
