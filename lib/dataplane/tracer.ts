import { setTimeout as sleep } from 'node:timers/promises'
import { addressFromBytes } from '../address.js'
import type { Decision, TraceFilter, TraceLine, TraceOptions } from '../decision.js'
import { XdplbError } from '../errors.js'
import { RingBuffer } from '../libbpf/index.js'
import { type Network, networkBytes } from '../network.js'
import { formatEndpoint } from '../service.js'
import { phraseOf } from '../verdict-phrases.js'
import { TICKS_PER_SECOND } from './clock.js'
import * as layout from './layout.gen.js'
import type { LoadedProgram } from './load.js'
import type { RunningService } from './services.js'
import { protocolNumbers } from './spec.js'
import type { Tables } from './tables.js'

/** How often the records are read, and how many may have come by then: 40,000 a second at most. */
const LOOK_MS = 50
const ROOM = 2000n

/** For how long the program goes on to tell if nobody says that he still listens. */
const RENEWED_TICKS = 5 * TICKS_PER_SECOND

const everything = { address: new Uint8Array(16), mask: new Uint8Array(16) }
const reasons = [undefined, 'flow', 'template', 'scheduler'] as const
const signals = ['data', 'begin', 'end', 'abort', 'none', 'error'] as const

/** Tells the decisions on live packets, to one listener at a time. */
export class Tracer {
  readonly #loaded: LoadedProgram
  readonly #tables: Tables
  readonly #services: () => readonly RunningService[]
  readonly #lost: () => number
  #isBusy = false

  /** @param lost how many records there has been no room for, ever */
  constructor(
    loaded: LoadedProgram,
    {
      tables,
      services,
      lost,
    }: { tables: Tables; services: () => readonly RunningService[]; lost: () => number },
  ) {
    this.#loaded = loaded
    this.#tables = tables
    this.#services = services
    this.#lost = lost
  }

  /**
   * What was decided since the last time, twenty times a second, also if it is nothing: whoever listens can leave
   * then. Throws `BUSY` while another trace runs, `USAGE` for names that are none.
   */
  async *trace({
    limit = Number.POSITIVE_INFINITY,
    durationMs,
    ...filter
  }: TraceOptions): AsyncGenerator<TraceLine[]> {
    const encoded = this.#encode(filter)
    if (this.#isBusy) throw new XdplbError('BUSY', 'trace: another one is running, expected one at a time')
    this.#isBusy = true
    const end = durationMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + durationMs
    const arrived: Buffer[] = []
    const ring = new RingBuffer(this.#loaded.map('traces'), record => arrived.push(record), {
      keepAlive: false,
    })
    try {
      ring.consume()
      arrived.length = 0 // what an earlier trace did not read
      let [left, lost] = [limit, this.#lost()]
      while (left > 0 && Date.now() < end) {
        this.#listen(encoded)
        await sleep(Math.max(1, Math.min(LOOK_MS, end - Date.now())))
        ring.consume()
        const decisions = this.#decode(arrived.splice(0).slice(0, left))
        const missed = this.#lost() - lost
        left -= decisions.length
        lost += missed
        yield missed > 0 ? [...decisions, { lost: missed }] : decisions
      }
    } finally {
      this.#tables.settings.update(0, { tracedUntil: 0 })
      ring.close()
      this.#isBusy = false
    }
  }

  #listen(filter: layout.TraceFilter): void {
    this.#loaded.mapped('trace_filter').write(layout.traceFilter, 0, filter)
    this.#tables.settings.update(0, { tracedUntil: this.#loaded.now() + RENEWED_TICKS })
  }

  #encode({ client, vip, port = 0, protocol, service, verdicts }: TraceFilter): layout.TraceFilter {
    const bytesOf = (network: Network | undefined) => (network ? networkBytes(network) : everything)
    const [clients, vips] = [bytesOf(client), bytesOf(vip)]
    return {
      client: clients.address,
      clientMask: clients.mask,
      vip: vips.address,
      vipMask: vips.mask,
      verdicts:
        verdicts === undefined ? 0xffff_ffff_ffff_ffffn : verdicts.map(bitOf).reduce((a, b) => a | b, 0n),
      room: ROOM,
      port,
      service: service === undefined ? 0 : this.#idOf(service),
      protocol: protocol === undefined ? 0 : protocolNumbers[protocol],
    }
  }

  #idOf(name: string): number {
    const services = this.#services()
    const service = services.find(({ spec }) => spec.name === name)
    if (service !== undefined) return service.id
    const expected = services.map(({ spec }) => spec.name).join(', ')
    throw new XdplbError('USAGE', `trace: service ${name}: there is none, expected one of ${expected}`)
  }

  #decode(records: readonly Buffer[]): Decision[] {
    const bootMs = Date.now() - Number(process.hrtime.bigint()) / 1e6
    return records.map(bytes => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      return this.#describe(layout.traceRecord.read(view, 0), bootMs)
    })
  }

  #describe(record: layout.TraceRecord, bootMs: number): Decision {
    const verdict = Object.entries(layout.verdict).find(([, number]) => number === record.verdict)?.[0]
    const name = verdict ?? `${record.verdict}`
    return {
      at: new Date(bootMs + Number(record.nanoseconds) / 1e6).toISOString(),
      verdict: name,
      phrase: phraseOf(name),
      ...addressesOf(record),
      ...this.#choiceOf(record),
    }
  }

  #choiceOf({ service: id, real, reason, vipPort }: layout.TraceRecord): Partial<Decision> {
    const service = this.#services().find(candidate => candidate.id === id)?.spec.name
    const cause = reasons[reason]
    const { address, port } = this.#tables.reals.identity(real)
    return {
      ...(cause && { reason: cause }),
      ...(service !== undefined && { service }),
      ...(real !== 0 && { real: formatEndpoint({ address, port: port || vipPort }) }),
    }
  }
}

function bitOf(verdict: string): bigint {
  const number = Object.entries(layout.verdict).find(([name]) => name === verdict)?.[1]
  if (number !== undefined) return 1n << BigInt(number)
  const expected = Object.keys(layout.verdict).join(', ')
  throw new XdplbError('USAGE', `trace: verdict ${verdict}: there is none, expected some of ${expected}`)
}

/** A packet for no address of ours is not looked at behind its addresses: it has no length here. */
function addressesOf(record: layout.TraceRecord): Partial<Decision> {
  const [client, vip] = [addressFromBytes(record.client), addressFromBytes(record.vip)]
  if (vip === '::') return {}
  const known = Object.entries(protocolNumbers).find(([, number]) => number === record.protocol)?.[0]
  const signal = signals[record.signal]
  const addresses = {
    client: formatEndpoint({ address: client, port: record.clientPort }),
    virtual: formatEndpoint({ address: vip, port: record.vipPort }),
  }
  if (record.length === 0) return addresses
  const protocol = known === 'tcp' || known === 'udp' || known === 'sctp' ? known : record.protocol
  return { ...addresses, protocol, length: record.length, ...(signal && { signal }) }
}
