import { setImmediate as others } from 'node:timers/promises'
import { addressFromBytes } from '../address.js'
import type { Connection, ConnectionFilter } from '../connection.js'
import { XdplbError } from '../errors.js'
import { networkTest } from '../network.js'
import { type Endpoint, formatEndpoint, type Protocol, parseEndpoint } from '../service.js'
import { TICKS_PER_SECOND } from './clock.js'
import { flowState } from './layout.gen.js'
import type { RunningService } from './services.js'
import { protocolNumbers } from './spec.js'
import type { Tables } from './tables.js'

/** Slots looked at before other work gets its turn: some milliseconds when all of them hold a flow. */
const SLICE = 1024

/** IPVS's words for the states of flows, by number (ip_vs_proto_tcp.c, _udp.c, _sctp.c): it has one for UDP. */
const stateNames = new Map<number, string>(
  Object.entries(flowState)
    .filter(([, number]) => number !== flowState.free)
    .map(([name, number]) => [number, name.replace(/^sctp_|(?<=^udp)_new$/, '').toUpperCase()]),
)

const protocolNames = new Map<number, Protocol>([
  [protocolNumbers.tcp, 'tcp'],
  [protocolNumbers.udp, 'udp'],
  [protocolNumbers.sctp, 'sctp'],
])

/** Every word that {@link Connection.state} may be. */
const connectionStates: ReadonlySet<string> = new Set([...stateNames.values(), 'NONE', 'ASSURED'])

/**
 * Lists the flows and templates while packets go on to change them: a walk over the slots in slices, with the event
 * loop's other work in between. What is made or ends meanwhile may be listed or not; nothing is listed twice.
 */
export class ConnectionList {
  readonly #tables: Tables
  readonly #services: ReadonlyMap<number, RunningService>
  readonly #filter: ConnectionFilter
  readonly #isClient: (bytes: Uint8Array) => boolean
  readonly #now: () => number
  readonly #reals = new Map<number, Endpoint & { service: string }>()

  /**
   * Throws `USAGE` for a filter that nothing can pass, because no state or no real server has such a name.
   *
   * @param now the present in ticks
   */
  constructor(
    tables: Tables,
    services: readonly RunningService[],
    filter: ConnectionFilter,
    now: () => number,
  ) {
    this.#tables = tables
    this.#services = new Map(services.map(service => [service.id, service]))
    this.#filter = checked(filter)
    this.#isClient = filter.client === undefined ? () => true : networkTest(filter.client)
    this.#now = now
  }

  /** Those of a slice at a time; the next slice is read when it is asked for. */
  async *slices(): AsyncGenerator<Connection[]> {
    const { flows, templates } = this.#tables
    yield* this.#walk(templates.length, (index, now) => this.#template(index, now))
    yield* this.#walk(flows.length, (index, now) => this.#flow(index, now))
  }

  async *#walk(
    length: number,
    look: (index: number, now: number) => Connection | undefined,
  ): AsyncGenerator<Connection[]> {
    for (let first = 0; first < length; first += SLICE) {
      const now = this.#now()
      const found: Connection[] = []
      for (let index = first; index < Math.min(first + SLICE, length); index++) {
        const connection = look(index, now)
        if (connection !== undefined) found.push(connection)
      }
      if (found.length > 0) yield found
      await others()
    }
  }

  #flow(index: number, now: number): Connection | undefined {
    const { flows, vips } = this.#tables
    const id = flows.real(index)
    if (id === 0 || flows.isExpired(index, now)) return undefined
    const state = stateNames.get(flows.state(index)) ?? ''
    const left = flows.left(index, now)
    const flow = flows.read(index)
    const vip = vips.at(flow.vip)
    const protocol = protocolNames.get(flow.protocol)
    if (
      vip === undefined ||
      protocol === undefined ||
      !this.#isWanted(id, { client: flow.client, port: flow.vipPort, state })
    )
      return undefined
    if (flows.real(index) !== id) return undefined // another flow has taken the slot meanwhile
    return {
      kind: 'flow',
      protocol,
      state,
      expiresSeconds: left / TICKS_PER_SECOND,
      client: formatEndpoint({ address: addressFromBytes(flow.client), port: flow.clientPort }),
      virtual: formatEndpoint({ address: vip, port: flow.vipPort }),
      real: this.#nameOfReal(id, flow.vipPort),
      service: this.#real(id).service,
    }
  }

  #template(index: number, now: number): Connection | undefined {
    const { templates } = this.#tables
    const id = templates.real(index)
    if (id === 0) return undefined
    const template = templates.read(index)
    const state = templates.isAssured(index) ? 'ASSURED' : 'NONE'
    const [match] = this.#services.get(template.service)?.spec.matches ?? []
    if (match === undefined) return undefined
    const port = match.ports === 'all' ? 0 : match.ports.first
    if (!this.#isWanted(id, { client: template.client, port, state })) return undefined
    const left = (template.expires - now) | 0
    if (left <= 0 && template.children === 0) return undefined
    return {
      kind: 'template',
      protocol: match.protocol,
      state,
      expiresSeconds: Math.max(0, left) / TICKS_PER_SECOND,
      client: formatEndpoint({ address: addressFromBytes(template.client), port: 0 }),
      virtual: formatEndpoint({ address: match.vip, port }),
      real: this.#nameOfReal(id, port),
      service: this.#real(id).service,
    }
  }

  #isWanted(id: number, entry: { client: Uint8Array; port: number; state: string }): boolean {
    const { state, service, real } = this.#filter
    if (state !== undefined && state !== entry.state) return false
    if (service !== undefined && service !== this.#real(id).service) return false
    if (
      real !== undefined &&
      ![formatEndpoint(this.#real(id)), this.#nameOfReal(id, entry.port)].includes(real)
    )
      return false
    return this.#isClient(entry.client)
  }

  /** Who a real is, worked out once for all its flows. */
  #real(id: number): Endpoint & { service: string } {
    const known = this.#reals.get(id)
    if (known !== undefined) return known
    const { address, port, service } = this.#tables.reals.identity(id)
    const real = { address, port, service: this.#services.get(service)?.spec.name ?? 'none' }
    this.#reals.set(id, real)
    return real
  }

  /** A real without a port of its own gets packets at the one that they are for. */
  #nameOfReal(id: number, port: number): string {
    const real = this.#real(id)
    return formatEndpoint({ address: real.address, port: real.port || port })
  }
}

/** A real is named as it is listed, however its address was written. */
function checked({ state, real, ...filter }: ConnectionFilter): ConnectionFilter {
  if (state !== undefined && !connectionStates.has(state)) {
    const expected = [...connectionStates].join(', ')
    throw new XdplbError(
      'USAGE',
      `list connections: state ${state}: there is none, expected one of ${expected}`,
    )
  }
  return {
    ...filter,
    ...(state !== undefined && { state }),
    ...(real !== undefined && { real: formatEndpoint(parseEndpoint(real)) }),
  }
}
