import { formatEndpoint } from '../../service.js'
import { MOST_TURNS, roundLength } from '../../weights.js'
import { type Claim, claimPackets, type Refusal } from '../claims.js'
import type { Config, Forwarding, VirtualServer } from '../model.js'
import { mostRealServers } from '../runnable.js'
import type { Settling } from '../schema.js'
import { serviceLabel } from '../service-name.js'

/** Says what is configured but cannot be run. */
export function reportLimits(config: Config, settling: Settling<undefined>): void {
  for (const claim of claimPackets(config)) reportClaim(claim, settling)
}

function reportClaim(claim: Claim, settling: Settling<undefined>): void {
  const { service, matches, refusals } = claim
  for (const refusal of refusals) reportRefusal(refusal, claim, settling)
  if (matches.length === 0) return
  reportWeights(service, settling)
  reportLength(service, settling)
  reportForwarding(service, settling)
}

function reportWeights(service: VirtualServer, { report, places }: Settling<undefined>): void {
  if (service.scheduler !== 'wrr') return
  const turns = roundLength(service.realServers.map(({ weight }) => weight))
  if (turns <= MOST_TURNS) return
  const message = `weights make a round of ${turns} turns - they are rounded so that it has ${MOST_TURNS}`
  report.warning(
    places.of(service, 'scheduler'),
    'not-honoured',
    message,
    'use weights with a common divisor',
  )
}

function reportLength(service: VirtualServer, { report, places }: Settling<undefined>): void {
  const { scheduler, realServers } = service
  const most = mostRealServers(scheduler)
  if (realServers.length <= most) return
  const found = `${realServers.length} real servers, expected at most ${most} with ${scheduler}`
  const message = `${found} - ${serviceLabel(service)} is not run`
  report.error(places.of(service, 'scheduler'), 'not-run', message, 'use wrr')
}

function reportRefusal(
  { kind, message }: Refusal,
  { service, matches }: Claim,
  { report, places }: Settling<undefined>,
): void {
  const fate = matches.length === 0 ? `${serviceLabel(service)} is not run` : 'ignoring'
  const text = `${message} - ${fate}`
  const place = places.of(service)
  if (kind === 'taken') report.error(place, 'conflict', text)
  else if (kind === 'no-room') report.error(place, 'not-run', text)
  else report.warning(place, 'not-run', text, 'say which have it in xdplb { mark N { … } }')
}

function reportForwarding(service: VirtualServer, { report, places }: Settling<undefined>): void {
  for (const real of service.realServers) {
    const isOwn = places.isGiven(real, 'forwarding')
    const place = isOwn ? places.of(real, 'forwarding') : places.of(service, 'forwarding')
    const what = isOwn ? `real server ${formatEndpoint(real)}` : serviceLabel(service)
    const refusal = refuse(real.forwarding)
    if (refusal === undefined) continue
    report.error(place, 'not-run', `forwarding ${refusal.reason} - ${what} is not run`, refusal.hint)
  }
}

/** What packets cannot get to a real by. */
function refuse({ method, tunnelType = 'ipip' }: Forwarding): { reason: string; hint: string } | undefined {
  if (method === 'nat') {
    return { reason: 'NAT is refused: XDP direct routing cannot translate addresses', hint: 'use DR or TUN' }
  }
  if (method === 'dr' || tunnelType === 'ipip') return undefined
  const reason = `TUN type ${tunnelType} is refused: packets are wrapped in IP and nothing else`
  return { reason, hint: 'use TUN type ipip' }
}
