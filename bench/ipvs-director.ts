import { parseAddress } from '../lib/address.js'
import { REALS, VIPS } from '../lib/bench/balancer.js'
import { layCable, type Path, passToStack } from '../lib/bench/paths.js'
import type { Rig } from '../lib/bench/rig.js'

const vips = Array.from({ length: VIPS }, (_, index) => `10.0.5.${8 + index}`)
const reals = Array.from({ length: REALS }, (_, index) => 100 + index)

/** Real IPVS in direct routing: as many addresses and real servers as xdplb has in the rig. Needs ipvsadm(8). */
export function layIpvs(rig: Rig): Path {
  const cable = layCable(rig, 'ipvs')
  const { name } = cable.far
  const program = passToStack(rig, cable)
  rig.bed.ip(
    `address add 10.0.6.1/24 dev ${name}`,
    ...vips.map(vip => `address add ${vip}/32 dev lo`),
    ...reals.map(
      last =>
        `neigh replace 10.0.6.${last} lladdr 02:00:00:00:01:${last.toString(16)} dev ${name} nud permanent`,
    ),
  )
  const services = vips.flatMap(vip => [
    `-A -t ${vip}:80 -s rr`,
    ...reals.map(last => `-a -t ${vip}:80 -r 10.0.6.${last} -g`),
  ])
  rig.bed.run('ipvsadm', ['-R'], `${services.join('\n')}\n`)
  return { cable, program, destination: parseAddress('10.0.5.8') }
}
