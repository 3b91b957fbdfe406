import type { RealSpec, ServiceSpec } from '../../lib/dataplane/spec.js'
import { formatEndpoint } from '../../lib/service.js'

/**
 * What ipvsadm(8) is to be told so that services become others: what left, what changed, what is new, in this order.
 * Of a service's addresses it takes the first.
 */
export function commandsBetween(before: readonly ServiceSpec[], after: readonly ServiceSpec[]): string[] {
  const gone = before.filter(spec => find(after, spec, nameOf) === undefined)
  return [
    ...gone.map(spec => `-D ${nameOf(spec)}`),
    ...after.flatMap(spec => {
      const former = find(before, spec, nameOf)
      const own = `${nameOf(spec)} ${optionsOf(spec)}`
      return [
        ...changed(former && optionsOf(former), optionsOf(spec), '-A', '-E', own),
        ...realCommands(former, spec),
      ]
    }),
  ]
}

function realCommands(before: ServiceSpec | undefined, after: ServiceSpec): string[] {
  const former = before?.reals ?? []
  const gone = former.filter(real => find(after.reals, real, formatEndpoint) === undefined)
  return [
    ...gone.map(real => `-d ${nameOf(after)} -r ${formatEndpoint(real)}`),
    ...after.reals.flatMap(real => {
      const known = find(former, real, formatEndpoint)
      const own = `${nameOf(after)} -r ${formatEndpoint(real)} ${realOptions(real)}`
      return changed(known && realOptions(known), realOptions(real), '-a', '-e', own)
    }),
  ]
}

function find<T>(all: readonly T[], wanted: T, keyOf: (item: T) => string): T | undefined {
  return all.find(item => keyOf(item) === keyOf(wanted))
}

function changed(
  before: string | undefined,
  after: string,
  add: string,
  edit: string,
  what: string,
): string[] {
  if (before === after) return []
  return [`${before === undefined ? add : edit} ${what}`]
}

function nameOf({ matches }: ServiceSpec): string {
  const [match] = matches
  if (match === undefined) throw new Error('a service without an address')
  const { vip, protocol, ports } = match
  const option = { tcp: '-t', udp: '-u', sctp: '--sctp-service' }[protocol]
  return `${option} ${formatEndpoint({ address: vip, port: ports === 'all' ? 0 : ports.first })}`
}

function optionsOf({ scheduler, schedulerFlags, onePacket, persistence }: ServiceSpec): string {
  const flags = [
    schedulerFlags.port && `${scheduler}-port`,
    schedulerFlags.fallback && `${scheduler}-fallback`,
  ]
  const named = flags.filter(Boolean).join(',')
  return [
    `-s ${scheduler}`,
    named && `-b ${named}`,
    persistence && `-p ${persistence.seconds} -M ${persistence.granularity}`,
    onePacket && '-o',
  ]
    .filter(Boolean)
    .join(' ')
}

function realOptions({ weight, upperThreshold, lowerThreshold }: RealSpec): string {
  return `-g -w ${weight} -x ${upperThreshold} -y ${lowerThreshold}`
}
