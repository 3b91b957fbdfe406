import { spawnSync } from 'node:child_process'
import { type Address, parseAddress } from '../address.js'
import type { Program } from '../libbpf/index.js'
import { firstVip } from './balancer.js'
import type { Cable, Port } from './bed.js'
import type { Rig, Way } from './rig.js'

/** A way for packets through this host: in by the far end of a cable, and out there again. */
export interface Path extends Way {
  /** The first of the addresses that it takes packets for. */
  readonly destination: Address
}

/** Where the kernel and nftables send what they forward. */
const NEXT_HOP_MAC = '02:00:00:00:02:01'

/** Where a path begins, and what sits on its near end: the sink. */
export function layCable(rig: Rig, name: string): Cable {
  const cable = rig.bed.cable(name)
  attach(rig, cable.near, rig.source.sink)
  return cable
}

function attach(rig: Rig, port: Port, program: Program): Program {
  rig.hold(rig.bed.enter(() => program.attachXdp(port.ifindex, { mode: 'native' })))
  return program
}

/** Everything that is not the forwarding: packets are counted and dropped where they arrive. */
export function layNothing(rig: Rig): Path {
  const cable = rig.bed.cable('nothing')
  const program = attach(rig, cable.far, rig.source.sink)
  return { cable, program, destination: firstVip[4] }
}

/** A program that swaps the MAC addresses and sends the frame back. */
export function layFloor(rig: Rig): Path {
  const cable = layCable(rig, 'floor')
  const program = attach(rig, cable.far, rig.lab.program('floor_swap'))
  return { cable, program, destination: firstVip[4] }
}

export function layBalancer(rig: Rig): Path {
  const { cable, program } = rig.balancer
  attach(rig, cable.near, rig.source.sink)
  return { cable, program, destination: firstVip[4] }
}

/**
 * Direct routing as nftables can do it, at the ingress of the device: the addresses are set, to those of one server,
 * and the frame is sent back. Undefined where there is no nft(8), or no such chains in the kernel.
 */
export function layNftables(rig: Rig): Path | undefined {
  const destination = parseAddress('10.0.2.8')
  const cable = layCable(rig, 'nftables')
  const { name, mac } = cable.far
  const program = passToStack(rig, cable)
  const rules = `table netdev bench {
    chain ingress {
      type filter hook ingress device ${name} priority 0
      ip daddr ${destination}/29 tcp dport 80 ether saddr set ${mac} ether daddr set ${NEXT_HOP_MAC} fwd to ${name}
    }
  }`
  const { status } = rig.bed.enter(() => spawnSync('nft', ['-f', '-'], { input: rules }))
  return status === 0 ? { cable, program, destination } : undefined
}

/** The kernel as a router: a static route, and a neighbour that nobody has to be asked for. */
export function layRouter(rig: Rig): Path {
  const cable = layCable(rig, 'router')
  const { name } = cable.far
  const program = passToStack(rig, cable)
  rig.bed.ip(
    `address add 10.0.3.1/24 dev ${name}`,
    `neigh replace 10.0.3.2 lladdr ${NEXT_HOP_MAC} dev ${name} nud permanent`,
    `route add 10.0.4.0/24 via 10.0.3.2 dev ${name}`,
  )
  return { cable, program, destination: parseAddress('10.0.4.8') }
}

/**
 * A veth takes frames that XDP sends only if there is a program on it too, or GRO. A program that passes everything
 * on costs the stack less than GRO would.
 */
export function passToStack(rig: Rig, { far }: Cable): Program {
  return attach(rig, far, rig.lab.program('pass'))
}
