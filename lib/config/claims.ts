import type { Address } from '../address.js'
import { formatService, type Match } from '../service.js'
import type { AddressRange, Config, VirtualServer } from './model.js'
import { matchesOf, packetsOf, sizeOf } from './packets.js'
import { serviceLabel } from './service-name.js'

/** What the data plane has room for, of all services together. */
export const ROOM = { addresses: 2048, ports: 8192, marks: 4096, marksOfAddress: 16 } as const

/** A virtual server, and the packets that are its own. */
export interface Claim {
  readonly service: VirtualServer
  readonly matches: readonly Match[]
  /** What it wants and does not get. */
  readonly refusals: readonly Refusal[]
}

export interface Refusal {
  /** Another service has them; nothing says which packets have the mark; there is no room for so many. */
  readonly kind: 'taken' | 'unmarked' | 'no-room'
  readonly message: string
}

/** Who gets which packets: the first virtual server that wants them. */
export function claimPackets(
  config: Pick<Config, 'virtualServers' | 'virtualServerGroups' | 'xdplb'>,
): readonly Claim[] {
  const register = new Register()
  return config.virtualServers.map(service => {
    const { packets, unknownMarks } = packetsOf(service, config)
    const refusals = unknownMarks.map(unmarked)
    const matches: Match[] = []
    for (const range of packets) {
      if (sizeOf(range) > ROOM.addresses) refusals.push(tooWide(range))
      else matches.push(...register.enter(serviceLabel(service), matchesOf(range), refusals))
    }
    return { service, matches, refusals }
  })
}

/** Whose the packets are, and how much room is taken. */
class Register {
  readonly #owners = new Map<string, string>()
  readonly #addresses = new Set<Address>()
  readonly #marksOf = new Map<Address, number>()
  #ports = 0
  #marks = 0

  /** What of it the owner gets. Why it does not get the rest is told once for all of it. */
  enter(owner: string, wanted: readonly Match[], refusals: Refusal[]): readonly Match[] {
    const told = new Set<string>()
    return wanted.filter(match => {
      const name = nameOf(match)
      const other = this.#owners.get(name)
      const full = this.#whatIsFull(match)
      if (other === undefined && full === undefined) {
        this.#take(name, match, owner)
        return true
      }
      const why = other === undefined ? `is one too many: ${full} are the most` : `is of ${other} already`
      const kind = other === undefined ? 'no-room' : 'taken'
      if (other !== owner && !told.has(why)) refusals.push({ kind, message: `${name} ${why}` })
      told.add(why)
      return false
    })
  }

  #take(name: string, { vip, mark }: Match, owner: string): void {
    this.#owners.set(name, owner)
    this.#addresses.add(vip)
    if (mark === undefined) this.#ports++
    else this.#marks++
    if (mark !== undefined) this.#marksOf.set(vip, (this.#marksOf.get(vip) ?? 0) + 1)
  }

  #whatIsFull({ vip, mark }: Match): string | undefined {
    if (this.#addresses.size === ROOM.addresses && !this.#addresses.has(vip))
      return `${ROOM.addresses} addresses`
    if (mark === undefined) return this.#ports === ROOM.ports ? `${ROOM.ports} ports` : undefined
    if (this.#marks === ROOM.marks) return `${ROOM.marks} marked ranges of ports`
    const isFull = this.#marksOf.get(vip) === ROOM.marksOfAddress
    return isFull ? `${ROOM.marksOfAddress} marked ranges of ports of one address` : undefined
  }
}

function unmarked(mark: number): Refusal {
  return { kind: 'unmarked', message: `no packets have mark ${mark}` }
}

function tooWide({ first, last }: AddressRange): Refusal {
  return {
    kind: 'no-room',
    message: `${first}-${last} is too wide: ${ROOM.addresses} addresses are the most`,
  }
}

/** As messages name it, and nothing else is named so. */
function nameOf({ vip: address, protocol, ports, mark }: Match): string {
  const range = ports === 'all' ? { first: 0, last: 0 } : ports
  const name = formatService({ address, port: range.first, protocol })
  if (mark === undefined) return name
  return `mark ${mark} of ${range.last === range.first ? name : name.replace(/\/.*/, `-${range.last}$&`)}`
}
