import { familyOf } from '../../address.js'
import type { VirtualAddress, VrrpInstance } from '../model.js'
import type { Settling } from '../schema.js'
import type { VrrpSurroundings } from './notify.js'

/** Of the node that owns the addresses (RFC 3768 §5.3.4). */
export const OWNER_PRIORITY = 255

/** The count of addresses has 8 bits, and with 16 bytes each no more fit in 1500 bytes. */
const MOST_ADDRESSES = { 4: 255, 6: 89 } as const

type Rule = (instance: VrrpInstance, scope: InstanceScope) => VrrpInstance

interface InstanceScope extends Settling<VrrpSurroundings> {
  /** What was read: the object that places are known of. */
  readonly original: VrrpInstance
  /** What was said about a field is changed to what keepalived would make of it. */
  adjust(field: keyof VrrpInstance, message: string): void
}

/** What keepalived checks when it has read an instance, for the keywords that are read here. */
export function settleInstance(
  original: VrrpInstance,
  settling: Settling<VrrpSurroundings>,
): VrrpInstance | undefined {
  const { report, places } = settling
  const { name } = original
  const adjust = (field: keyof VrrpInstance, message: string) =>
    report.warning(places.of(original, field), 'adjusted', `(${name}) ${message}`)
  const refuse = (field: keyof VrrpInstance, message: string) =>
    report.error(places.of(original, field), 'incomplete', `(${name}) ${message}`)

  const instance = RULES.reduce((settled, rule) => rule(settled, { ...settling, original, adjust }), original)
  if (instance.interface === 'lo') {
    refuse('interface', 'cannot use a loopback interface (lo) for vrrp - ignoring the instance')
    return undefined
  }
  if (instance.virtualAddresses.length > 0) return instance
  if (instance.version === 3 || settling.outer.global.vrrpStrict) {
    refuse('virtualAddresses', 'No VIP specified; at least one is required')
    return undefined
  }
  const message = `(${name}) No VIP specified; at least one is sensible`
  report.warning(places.of(original, 'virtualAddresses'), 'incomplete', message)
  return instance
}

const RULES: readonly Rule[] = [
  eachAddressOnce,
  oneFamily,
  familyToVersion,
  noMoreThanFit,
  stateOfOwner,
  authenticationOfVersion,
  preemption,
  advertInterval,
]

/** An address may be excluded and advertised on two interfaces. */
function eachAddressOnce(instance: VrrpInstance, { report, places }: InstanceScope): VrrpInstance {
  const seen = new Set<string>()
  const isNew = (entry: VirtualAddress, key: string) => {
    if (!seen.has(key)) return seen.add(key)
    const message = `(${instance.name}): VIP duplicates a VIP ${entry.address} - ignoring`
    report.warning(places.of(entry), 'duplicate', message)
    return false
  }
  const onDevice = ({ address, device = instance.interface }: VirtualAddress) => `${address} ${device}`
  const virtualAddresses = instance.virtualAddresses.filter(entry => isNew(entry, entry.address))
  for (const entry of virtualAddresses) seen.add(onDevice(entry))
  const excludedAddresses = instance.excludedAddresses.filter(entry => isNew(entry, onDevice(entry)))
  return { ...instance, virtualAddresses, excludedAddresses }
}

function oneFamily(instance: VrrpInstance, { report, places }: InstanceScope): VrrpInstance {
  const family = familyOfInstance(instance)
  const virtualAddresses = instance.virtualAddresses.filter(entry => {
    const fits = familyOf(entry.address) === family
    const message = `(${instance.name}): address family must match VRRP instance [${entry.address}] - ignoring`
    if (!fits) report.error(places.of(entry), 'conflict', message)
    return fits
  })
  return { ...instance, virtualAddresses }
}

function familyToVersion(instance: VrrpInstance, { report, places, original }: InstanceScope): VrrpInstance {
  if (familyOfInstance(instance) === 4) return instance
  const [first] = instance.virtualAddresses
  const place = first === undefined ? places.of(original) : places.of(first)
  report.warning(place, 'not-honoured', `(${instance.name}) IPv6 is not honoured yet in vrrp_instance`)
  return { ...instance, version: 3 }
}

function noMoreThanFit(instance: VrrpInstance, { adjust }: InstanceScope): VrrpInstance {
  const most = MOST_ADDRESSES[familyOfInstance(instance)]
  const { virtualAddresses, excludedAddresses } = instance
  if (virtualAddresses.length <= most) return instance
  const count = `Number of VIPs (${virtualAddresses.length})`
  adjust(
    'virtualAddresses',
    `${count} exceeds space available in packet (max ${most}) - excess moved to eVIPs`,
  )
  return {
    ...instance,
    virtualAddresses: virtualAddresses.slice(0, most),
    excludedAddresses: [...virtualAddresses.slice(most), ...excludedAddresses],
  }
}

function stateOfOwner(instance: VrrpInstance, { outer, adjust }: InstanceScope): VrrpInstance {
  const state = instance.priority === OWNER_PRIORITY ? 'MASTER' : 'BACKUP'
  if (!outer.global.vrrpStrict || instance.state === state) return instance
  adjust('state', 'State MASTER must match being address owner')
  return { ...instance, state }
}

function authenticationOfVersion(instance: VrrpInstance, scope: InstanceScope): VrrpInstance {
  const { outer, adjust, report, places } = scope
  const { authentication, ...open } = instance
  if (authentication === undefined) return instance
  const isStrict = outer.global.vrrpStrict ?? false
  if (isStrict || instance.version === 3) {
    adjust(
      'authentication',
      `${isStrict ? 'Strict mode' : 'VRRP version 3'} does not support authentication. Ignoring.`,
    )
    return open
  }
  if (authentication.type === 'AH') {
    report.warning(places.of(authentication, 'type'), 'not-honoured', 'auth_type AH is not honoured yet')
  }
  return instance
}

function preemption(instance: VrrpInstance, { outer, adjust }: InstanceScope): VrrpInstance {
  let { preempt, preemptDelaySeconds } = instance
  const reset = (message: string) => {
    adjust('preemptDelaySeconds', message)
    preemptDelaySeconds = 0
  }
  if (!preempt && instance.priority === OWNER_PRIORITY) {
    adjust('preempt', `nopreempt is incompatible with priority ${OWNER_PRIORITY}. resetting nopreempt`)
    preempt = true
  }
  if (!preempt && instance.state === 'MASTER') {
    adjust('preempt', 'Warning - nopreempt will not work with initial state MASTER - clearing')
    preempt = true
  }
  if (preemptDelaySeconds > 0 && instance.state === 'MASTER') {
    reset('Warning - preempt delay will not work with initial state MASTER - clearing')
  }
  if (preemptDelaySeconds > 0 && outer.global.vrrpStrict) {
    reset('preempt_delay is incompatible with strict mode - resetting')
  }
  if (preemptDelaySeconds > 0 && !preempt) {
    reset('preempt_delay is incompatible with nopreempt mode - resetting')
  }
  return { ...instance, preempt, preemptDelaySeconds }
}

/** Version 2 counts seconds in 8 bits, version 3 hundredths in 12. */
function advertInterval(instance: VrrpInstance, { adjust }: InstanceScope): VrrpInstance {
  const { version, advertIntervalSeconds: seconds } = instance
  const [unit, longest] = version === 2 ? [1, 255] : [0.01, 40.95]
  const inUnits = Number((Math.max(1, Math.round(seconds / unit)) * unit).toFixed(2))
  const advertIntervalSeconds = Math.min(inUnits, longest)
  if (advertIntervalSeconds === seconds) return instance
  const wanted =
    seconds > longest ? `is out of range. Setting to ${longest}s` : `must be in units of ${unit}s. rounding`
  adjust('advertIntervalSeconds', `VRRPv${version} advertisement interval ${seconds}s ${wanted}`)
  return { ...instance, advertIntervalSeconds }
}

function familyOfInstance({ virtualAddresses, unicastSource }: VrrpInstance): 4 | 6 {
  const address = virtualAddresses[0]?.address ?? unicastSource
  return address === undefined ? 4 : familyOf(address)
}
