import type { Address } from '../../lib/address.js'
import type { Instance } from '../../lib/vrrp/instance.js'
import { initialState, nextDeadline, step } from '../../lib/vrrp/machine.js'
import { encodeOutgoing, VRRP_GROUP } from '../../lib/vrrp/outgoing.js'
import { decodePacket } from '../../lib/vrrp/packet.js'
import {
  type Judgement,
  nothingReceived,
  type Reception,
  receive,
  speakAgain,
} from '../../lib/vrrp/receive.js'
import type { Happening, VrrpState } from '../../lib/vrrp/state.js'

/** Does a packet get through? */
export type Weather = (from: Node, to: Node) => boolean

/** How long a packet takes. */
export const LATENCY_MS = 0.2

/** A network without wires, whose clock goes as fast as it can: what nodes do is a function of what they hear. */
export class Network {
  readonly nodes: Node[] = []
  now = 0
  weather: Weather = () => true
  #underway: { at: number; to: Node; packet: Buffer }[] = []

  /** Puts a node in, which does not run yet. */
  add(instance: Instance): Node {
    const node = new Node(this, instance)
    this.nodes.push(node)
    return node
  }

  /** Lets time pass. */
  run(ms: number): void {
    const end = this.now + ms
    for (let next = this.#next(); next <= end; next = this.#next()) {
      this.now = next
      const arriving = this.#underway.filter(({ at }) => at <= next)
      this.#underway = this.#underway.filter(({ at }) => at > next)
      for (const { to, packet } of arriving) to.hear(packet)
      for (const node of this.nodes) node.wake()
    }
    this.now = end
  }

  send(from: Node, destination: Address, packet: Buffer): void {
    for (const to of this.nodes) {
      const isMeant = destination === VRRP_GROUP ? to !== from : to.instance.source === destination
      if (isMeant && this.weather(from, to)) this.#underway.push({ at: this.now + LATENCY_MS, to, packet })
    }
  }

  masters(): Address[] {
    return this.#sources(node => node.state.state === 'MASTER')
  }

  /** Those that answer for the addresses. */
  owners(): Address[] {
    return this.#sources(node => node.owns)
  }

  #sources(are: (node: Node) => boolean): Address[] {
    return this.nodes.filter(are).map(node => node.instance.source)
  }

  #next(): number {
    return Math.min(...this.#underway.map(({ at }) => at), ...this.nodes.map(node => node.deadline))
  }
}

/** A node as the process makes one of a machine: sockets and timers are the network's. */
export class Node {
  readonly instance: Instance
  readonly #network: Network
  state: VrrpState = initialState
  reception: Reception = nothingReceived
  owns = false
  isAlive = true
  /** When it became what it is, last first. */
  readonly became: { state: VrrpState['state']; at: number }[] = []
  readonly announced: number[] = []
  readonly logged: string[] = []
  readonly judgements: Judgement[] = []
  lastSentAt = Number.NEGATIVE_INFINITY
  #identification = 1

  constructor(network: Network, instance: Instance) {
    this.#network = network
    this.instance = instance
  }

  get deadline(): number {
    return this.isAlive ? nextDeadline(this.state) : Number.POSITIVE_INFINITY
  }

  /** Dies without a word; the addresses stay. */
  kill(): void {
    this.isAlive = false
  }

  /** Another process, which finds what the dead one left. */
  respawn(): void {
    this.isAlive = true
    this.state = initialState
    this.reception = nothingReceived
    this.take({ type: 'start', inherited: this.owns })
  }

  hear(bytes: Buffer): void {
    const packet = decodePacket(bytes)
    if (!this.isAlive || packet === undefined) return
    if (this.state.state !== 'BACKUP' && this.state.state !== 'MASTER') return
    const judgement = receive(this.instance, this.reception, packet)
    this.reception = judgement.reception
    this.judgements.push(judgement)
    this.logged.push(...judgement.log.map(({ text }) => text))
    if (judgement.verdict === 'OK') this.take({ type: 'advert', heard: judgement.heard })
  }

  wake(): void {
    if (this.deadline <= this.#network.now) this.take({ type: 'timer' })
  }

  take(happening: Happening): void {
    const at = this.#network.now
    const [next, actions] = step(this.instance, this.state, { ...happening, at })
    this.state = next
    for (const action of actions) {
      if (action.type === 'addAddresses') this.owns = true
      if (action.type === 'removeAddresses') this.owns = false
      if (action.type === 'announce') this.announced.push(at)
      if (action.type === 'log') this.logged.push(action.text)
      if (action.type === 'send') this.#send(action.priority)
      if (action.type === 'become') {
        this.became.unshift({ state: action.state, at })
        this.reception = speakAgain(this.reception)
      }
    }
  }

  #send(priority: number): void {
    this.lastSentAt = this.#network.now
    for (const { destination, packet } of encodeOutgoing(this.instance, priority, this.#identification)) {
      this.#identification++
      this.#network.send(this, destination, packet)
    }
  }
}
