import { type Address, familyOf } from '../address.js'
import { ADVERTISEMENT, type Advert, decodeAdvert } from './advert.js'
import {
  type Arrival,
  type Check,
  checks,
  hasGoodChecksum,
  hasRightLength,
  lengthCheck,
  lengthComplaint,
} from './checks.js'
import { type Counter, type Counters, noneReceived } from './counters.js'
import type { Instance } from './instance.js'
import { type LogLine, logLine } from './log-line.js'
import type { Packet } from './packet.js'

/** An advert that somebody sent, as far as an election goes. */
export interface Heard {
  readonly source: Address
  readonly priority: number
  readonly intervalMs: number
}

/** What an instance remembers of the packets that it has received. */
export interface Reception {
  readonly counters: Counters
  /** Names of the checks whose complaint has been logged. */
  readonly said: ReadonlySet<string>
  /** Where the last advert that was accepted came from. */
  readonly from?: Address
}

export const nothingReceived: Reception = { counters: noneReceived, said: new Set() }

/** What is to be done about a packet. */
export type Judgement = {
  readonly reception: Reception
  readonly log: readonly LogLine[]
} & (
  | { readonly verdict: 'OK'; readonly heard: Heard }
  | {
      readonly verdict: 'KO' | 'DROP'
      /** The name of the check that failed. */
      readonly check: string
      /**
       * Somebody who advertises our virtual router in a way that we cannot accept, by another password, interval or
       * version: with such a one both may be master, and neither yields.
       */
      readonly rival?: Heard
    }
)

/**
 * Judges a packet for an instance that is BACKUP or MASTER (in other states one ignores packets). Each kind of
 * complaint is logged once, until an advert of another sender is accepted or the instance changes state: see
 * {@link speakAgain}.
 */
export function receive(instance: Instance, reception: Reception, packet: Packet): Judgement {
  const { source } = packet
  const advert = hasRightLength(packet) ? decodeAdvert(packet.payload, familyOf(source)) : undefined
  if (advert === undefined) {
    const finding = { check: lengthCheck, complaint: lengthComplaint(packet) }
    return { ...note(instance, reception, [finding]), verdict: 'KO', check: lengthCheck.name }
  }
  const isKnown = reception.from === source
  const findings = [...findingsIn({ instance, packet, advert, isKnown })]
  const last = findings.at(-1)
  const verdict = last?.check.verdict ?? 'OK'
  if (last && verdict !== 'OK') {
    const refusal = { verdict, check: last.check.name, ...(last.rival && { rival: last.rival }) }
    return { ...note(instance, reception, findings), ...refusal }
  }
  const heard = heardIn(packet, advert)
  const noted = note(instance, isKnown ? reception : speakAgain(reception), findings)
  return { ...noted, reception: accept(noted.reception, heard), verdict: 'OK', heard }
}

/** What a change of state does: complaints that have been logged may be logged again. */
export function speakAgain(reception: Reception): Reception {
  return { ...reception, said: new Set() }
}

/** Something about a packet that is not as it should be. */
interface Finding {
  readonly check: Omit<Check, 'complaint'>
  readonly complaint: string
  readonly rival?: Heard
}

/** All findings up to the first that decides. */
function* findingsIn(arrival: Arrival): Generator<Finding> {
  for (const check of checks) {
    const complaint = check.complaint(arrival)
    if (complaint === false) continue
    yield {
      check,
      complaint,
      ...(check.isRivalry && isMeant(arrival) && { rival: heardIn(arrival.packet, arrival.advert) }),
    }
    if (check.verdict !== 'OK') return
  }
}

/** Does somebody claim to be master in so many words? What was damaged on its way says nothing. */
function isMeant({ packet, advert }: Arrival): boolean {
  return advert.type === ADVERTISEMENT && advert.priority > 0 && hasGoodChecksum(packet)
}

function heardIn({ source }: Packet, { priority, intervalMs }: Advert): Heard {
  return { source, priority, intervalMs }
}

/** Counts findings, and logs those that are news. */
function note(
  instance: Instance,
  reception: Reception,
  findings: readonly Finding[],
): { reception: Reception; log: LogLine[] } {
  const log = findings
    .filter(({ check }) => !reception.said.has(check.name))
    .flatMap(({ complaint, rival }) => [
      logLine(instance, complaint),
      ...(rival ? [logLine(instance, rivalry(rival), 'warn')] : []),
    ])
  const counters = findings.reduce((sum, { check }) => count(sum, check.counter), reception.counters)
  const said = new Set([...reception.said, ...findings.map(({ check }) => check.name)])
  return { reception: { ...reception, counters, said }, log }
}

function rivalry({ source, priority }: Heard): string {
  return `conflicting master ${source} with priority ${priority}: neither heeds the other, both may own the addresses`
}

function accept(reception: Reception, { source, priority }: Heard): Reception {
  const accepted = count(reception.counters, 'adverts')
  return { ...reception, counters: priority === 0 ? count(accepted, 'priorityZero') : accepted, from: source }
}

function count(counters: Counters, counter: Counter | undefined): Counters {
  return counter ? { ...counters, [counter]: counters[counter] + 1 } : counters
}
