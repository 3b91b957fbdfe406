import { fileURLToPath } from 'node:url'
import { type Address, type Family, parseAddress } from '../address.js'
import { BpfObject, type LoadedObject, type Program } from '../libbpf/index.js'
import { DEFAULT_BPFFS } from '../net/bpffs.js'
import { Balancer, firstVip, ports, VIPS } from './balancer.js'
import { Bed, type Cable } from './bed.js'
import { buildFrame, type FrameSpec } from './frame.js'
import { type Cost, Source } from './source.js'
import type { Pattern, Walk } from './walk.js'

/** A kind of packet: what is not said is that of HTTP over IPv4. */
export interface Packet extends Partial<Pick<FrameSpec, 'flag' | 'protocol' | 'port'>> {
  readonly family?: Family
  /** The first of the addresses that they are for. @default the first VIP */
  readonly destination?: Address
}

/**
 * What a packet can be sent through: a program that returns at once, one that swaps the MAC addresses, one that reads
 * a line of the flow table too, the balancer.
 */
export type Subject = 'nothing' | 'floor' | 'miss' | 'xdplb'

/** A cable, and the program at its far end. */
export interface Way {
  readonly cable: Cable
  readonly program: Program
}

/** Clients come from half of IPv4's unicast addresses, and from a network that RFC 3849 keeps for documents. */
const clients = {
  4: { source: parseAddress('128.0.0.0'), hosts: 0x3fff_ffff },
  6: { source: parseAddress('2001:db8:1::'), hosts: 0xffff_ffff },
} as const

const LAB = fileURLToPath(new URL('../../bpf/lab.bpf.o', import.meta.url))

/** The balancer, programs that it is compared with, and packets for all of them, in a network of their own. */
export class Rig implements Disposable {
  readonly bed: Bed
  readonly balancer: Balancer
  readonly source: Source
  readonly lab: LoadedObject
  readonly #subjects: Readonly<Record<Subject, Program>>
  readonly #held: Disposable[] = []

  private constructor(bed: Bed, balancer: Balancer) {
    this.bed = bed
    this.balancer = balancer
    this.source = Source.load(balancer.flowWords)
    this.lab = BpfObject.open(LAB).withXdpFrags().load()
    this.#subjects = {
      nothing: this.lab.program('pass'),
      floor: this.lab.program('floor_swap'),
      miss: this.source.miss,
      xdplb: balancer.program,
    }
  }

  /** @param maxFlows sizes the tables */
  static async open(maxFlows: number, bpffs = DEFAULT_BPFFS): Promise<Rig> {
    const bed = new Bed()
    try {
      return new Rig(bed, await Balancer.start(bed, { maxFlows, bpffs }))
    } catch (error) {
      bed.close()
      throw error
    }
  }

  /** Closes something when it closes itself. */
  hold(part: Disposable): void {
    this.#held.push(part)
  }

  /** Sends packets through a program and nowhere else. */
  run(subject: Subject, packet: Packet, walk: Walk, packets: number): Cost {
    const { cable } = this.balancer
    const options = { packets, ifindex: cable.far.ifindex }
    return this.bed.enter(() =>
      this.source.run(this.#subjects[subject], patternOf(packet, cable), walk, options),
    )
  }

  /** Sends packets over a cable, in earnest. */
  send(cable: Cable, packet: Packet, walk: Walk, packets: number): Cost {
    const options = { packets, ifindex: cable.near.ifindex }
    return this.bed.enter(() => this.source.send(patternOf(packet, cable), walk, options))
  }

  /** Gives packets to the program at the far end of a cable, as its driver does that has received them. */
  deliver({ cable, program }: Way, packet: Packet, walk: Walk, packets: number): Cost {
    const options = { packets, ifindex: cable.far.ifindex }
    return this.bed.enter(() => this.source.deliver(program, patternOf(packet, cable), walk, options))
  }

  close(): void {
    for (const part of this.#held.splice(0)) part[Symbol.dispose]()
    this.source.close()
    this.lab.close()
    this.balancer.close()
    this.bed.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function patternOf(packet: Packet, { near, far }: Cable): Pattern {
  const { family = 4, destination = firstVip[family] } = packet
  const { source, hosts } = clients[family]
  const frame = buildFrame({
    protocol: 'tcp',
    flag: 'ack',
    port: ports.http,
    ...packet,
    to: far.mac,
    from: near.mac,
    source,
    destination,
  })
  return { frame, hosts, destinations: VIPS }
}
