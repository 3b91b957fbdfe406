import { EventEmitter } from 'node:events'
import { type Address, familyOf, parseAddress } from '../address.js'
import type { InterfaceAddress } from '../net/netlink/address.js'
import type { Change, NetlinkEvents } from '../net/netlink/events.js'
import type { Link } from '../net/netlink/link.js'
import { ourProtocol } from '../net/netlink/marks.js'
import type { Netlink } from '../net/netlink/netlink.js'
import type { Counters } from './counters.js'
import type { Instance } from './instance.js'
import type { LogLine } from './log-line.js'
import { initialState, nextDeadline, step } from './machine.js'
import { encodeOutgoing } from './outgoing.js'
import { virtualRouterIdOf } from './packet.js'
import { nothingReceived, type Reception, receive, speakAgain } from './receive.js'
import { type Action, type Fault, type Input, never, type VrrpState } from './state.js'
import { type VirtualAddress, VirtualAddresses } from './virtual-addresses.js'
import { VrrpSocket } from './vrrp-socket.js'

/** An instance as it is run: the protocol's part, where it speaks, and what it owns as master. */
export interface SpeakerOptions {
  readonly instance: Omit<Instance, 'source'>
  readonly interface: string
  /** `unicast_src_ip`; absent: the first address of the interface. */
  readonly source?: Address
  readonly addresses: readonly VirtualAddress[]
}

export interface SpeakerEvents {
  become: [VrrpState['state']]
  log: [LogLine]
  /** The addresses are this node's: at each advert. Or they are not: taken away, or another's advert was heard. */
  owns: [boolean]
}

/** Stands for a source that is not there; in FAULT nothing is sent. */
const NOWHERE = parseAddress('0.0.0.0')

/** What Node takes for the longest timer, and more than any interval of the protocol. */
const LONGEST_MS = 2 ** 31 - 1

/** One instance at work: the state machine with a socket, a clock, the addresses and the state of its interface. */
export class Speaker extends EventEmitter<SpeakerEvents> implements Disposable {
  readonly #options: SpeakerOptions
  readonly #netlink: Netlink
  readonly #events: NetlinkEvents
  readonly #addresses: VirtualAddresses
  readonly #onLink = (link: Link, change: Change) => this.#followLink(link, change)
  readonly #onAddress = (address: InterfaceAddress) => this.#followAddress(address)
  readonly #onOverrun = () => this.#judge(this.#connect())
  #socket: VrrpSocket | undefined
  #ifindex = 0
  #source: Address | undefined
  #state: VrrpState = initialState
  #reception: Reception = nothingReceived
  #timer: NodeJS.Timeout | undefined
  #identification = 1

  constructor(options: SpeakerOptions, netlink: Netlink, events: NetlinkEvents) {
    super()
    this.#options = options
    this.#netlink = netlink
    this.#events = events
    this.#addresses = new VirtualAddresses(options.addresses, netlink, events)
    this.#addresses.on('lost', () => this.#input({ type: 'addressLost' }))
    events.on('link', this.#onLink).on('address', this.#onAddress).on('overrun', this.#onOverrun)
  }

  get name(): string {
    return this.#options.instance.name
  }

  get state(): VrrpState['state'] {
    return this.#state.state
  }

  get counters(): Counters {
    return this.#reception.counters
  }

  start(): void {
    const faults = this.#connect()
    this.#input({ type: 'start', faults, inherited: this.#addresses.areInherited })
  }

  /** Gives the addresses up, if it has them, and says so. */
  stop(): void {
    this.#input({ type: 'stop' })
  }

  /** A last word before a restart: the others wait for a whole interval more, and the addresses stay. */
  leave(): void {
    if (this.state === 'MASTER') this.#send(this.#options.instance.priority)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#events.off('link', this.#onLink).off('address', this.#onAddress).off('overrun', this.#onOverrun)
    this.#socket?.close()
    this.#addresses.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Opens the socket, if that is possible now. @returns what stands in the way */
  #connect(): Fault[] {
    const link = this.#netlink.link(this.#options.interface)
    if (link === undefined || !link.running) return ['link']
    if (link.index !== this.#ifindex) {
      this.#socket?.close()
      this.#socket = new VrrpSocket({ name: link.name, ifindex: link.index }, () => this.#hear())
      this.#ifindex = link.index
    }
    this.#source = this.#options.source ?? this.#primaryAddress(link.index)
    return this.#source === undefined ? ['source'] : []
  }

  /** The interface's own first address: not one of those that come and go. */
  #primaryAddress(ifindex: number): Address | undefined {
    const virtual = new Set(this.#options.addresses.map(({ address }) => address))
    const own = this.#netlink
      .addresses({ ifindex })
      .filter(
        ({ address, protocol }) =>
          familyOf(address) === 4 && !virtual.has(address) && protocol !== ourProtocol,
      )
    return own[0]?.address
  }

  #followLink(link: Link, change: Change): void {
    if (link.name !== this.#options.interface) return
    this.#judge(change === 'deleted' ? ['link'] : this.#connect())
  }

  /** The source may be there later than its interface, and another later on. */
  #followAddress({ ifindex, protocol }: InterfaceAddress): void {
    if (ifindex === this.#ifindex && protocol !== ourProtocol) this.#judge(this.#connect())
  }

  /** Faults come first: what recovers from one only to have another has not recovered. */
  #judge(faults: readonly Fault[]): void {
    for (const fault of faults) this.#input({ type: 'fault', fault })
    for (const fault of ['link', 'source'] as const) {
      if (!faults.includes(fault)) this.#input({ type: 'recovery', fault })
    }
  }

  #hear(): void {
    for (const packet of this.#socket?.receive() ?? []) {
      if (virtualRouterIdOf(packet) !== this.#options.instance.virtualRouterId) continue
      const isListening = this.state === 'BACKUP' || this.state === 'MASTER'
      if (!isListening || packet.source === this.#source) continue
      const judgement = receive(this.#instance(), this.#reception, packet)
      this.#reception = judgement.reception
      for (const line of judgement.log) this.emit('log', line)
      if (judgement.verdict !== 'OK') continue
      this.#input({ type: 'advert', heard: judgement.heard })
      if (this.state === 'BACKUP') this.emit('owns', false)
    }
  }

  /** It is time; but a packet that is waiting came before. */
  #wake(): void {
    this.#hear()
    this.#input({ type: 'timer' })
  }

  #input(input: Happening): void {
    const at = performance.now()
    const before = this.state
    const [next, actions] = step(this.#instance(), this.#state, { ...input, at })
    this.#state = next
    if (before !== this.state) this.#reception = speakAgain(this.#reception)
    for (const action of actions) this.#do(action)
    clearTimeout(this.#timer)
    const deadline = nextDeadline(this.#state)
    if (deadline === never) return
    this.#timer = setTimeout(
      () => this.#wake(),
      Math.min(LONGEST_MS, Math.max(0, deadline - performance.now())),
    )
  }

  #do(action: Action): void {
    switch (action.type) {
      case 'send':
        if (action.priority > 0) this.emit('owns', true)
        this.#send(action.priority)
        break
      case 'addAddresses':
        this.#addresses.put()
        break
      case 'removeAddresses':
        this.#addresses.take()
        this.emit('owns', false)
        break
      case 'announce':
        this.#addresses.announce(action.times)
        break
      case 'announceSource':
        if (this.#source) this.#addresses.announceOn(this.#options.interface, this.#source)
        break
      case 'become':
        this.emit('become', action.state)
        break
      case 'log':
        this.emit('log', { level: action.level, text: action.text })
        break
      case 'event': // for FIFOs and scripts, which are not there yet
        break
    }
  }

  #send(priority: number): void {
    for (const outgoing of encodeOutgoing(this.#instance(), priority, this.#identification)) {
      this.#identification++
      try {
        this.#socket?.send(outgoing)
      } catch (error) {
        // the interface is on its way down: netlink will say so
        const text = `(${this.name}) send advert to ${outgoing.destination}: ${error instanceof Error ? error.message : error}`
        this.emit('log', { level: 'warn', text })
      }
    }
  }

  #instance(): Instance {
    return { ...this.#options.instance, source: this.#source ?? NOWHERE }
  }
}

/** An input without its moment. */
type Happening = Input extends infer Each ? (Each extends Input ? Omit<Each, 'at'> : never) : never
