import { type Address, familyOf } from '../address.js'
import {
  ADVERTISEMENT,
  type Advert,
  advertSize,
  authenticationTypes,
  isIntact,
  passwordBytes,
} from './advert.js'
import type { Counter } from './counters.js'
import type { Instance } from './instance.js'
import type { Packet } from './packet.js'
import { intervalMs } from './timing.js'

/** An advert for an instance, about to be judged. */
export interface Arrival {
  readonly instance: Instance
  readonly packet: Packet
  readonly advert: Advert
  /** The last advert that was accepted came from the same address. */
  readonly isKnown: boolean
}

/** One thing that can be wrong with a packet. */
export interface Check {
  readonly name: string
  /** `KO`: invalid; `DROP`: valid, but not for us; `OK`: accepted all the same, this is only a remark. */
  readonly verdict: 'KO' | 'DROP' | 'OK'
  /** What counts it. */
  readonly counter?: Counter
  /** Whoever sent this is not talking to us, but means our virtual router: two masters may come of it. */
  readonly isRivalry?: true
  /** What is wrong, in keepalived's words; false: nothing. */
  readonly complaint: (arrival: Arrival) => string | false
}

const NO_ROUTER_BETWEEN = 255
/** The payload of the shortest Ethernet frame: anything shorter is padded to this, less four bytes for every VLAN tag. */
const SHORTEST_PAYLOAD = 46

/** What comes before all other checks: a packet without the right length is none to look into. */
export const lengthCheck = { name: 'length', verdict: 'KO', counter: 'lengthErrors' } as const

export function hasRightLength(packet: Packet): boolean {
  return isLength(packet.length, lengthOf(packet))
}

export function lengthComplaint(packet: Packet): string {
  const expected = lengthOf(packet)
  const how = packet.length > expected ? 'long' : 'short'
  return `vrrp packet from ${packet.source} too ${how}, length ${packet.length} and expect ${expected}`
}

/**
 * What a valid advert is, in the order in which keepalived looks (vrrp.c, vrrp_check_packet), which is that of
 * RFC 3768 §7.1 but for the authentication. The first to complain decides. Not looked at yet: auth_hmac behind the
 * version, owner_ignore_adverts before the addresses, check_unicast_src behind them.
 */
export const checks: readonly Check[] = [
  {
    name: 'ttl',
    verdict: 'KO',
    counter: 'ttlErrors',
    complaint: ({ instance, packet: { source, ttl } }) =>
      !isUnicast(instance) &&
      ttl !== NO_ROUTER_BETWEEN &&
      `invalid TTL/HL from ${source}. Received ${ttl} and expect ${NO_ROUTER_BETWEEN}`,
  },
  {
    name: 'version',
    verdict: 'KO',
    counter: 'versionErrors',
    isRivalry: true,
    complaint: ({ instance: { version }, packet, advert }) =>
      advert.version !== version &&
      `wrong VRRP version from ${packet.source}. Received ${advert.version} and expect ${version}`,
  },
  {
    name: 'authentication type',
    verdict: 'KO',
    counter: 'invalidAuthenticationTypes',
    isRivalry: true,
    complaint: ({ packet, advert: { authentication } }) =>
      authentication !== undefined &&
      !isAuthenticationType(authentication.type) &&
      `Invalid auth type from ${packet.source}: ${authentication.type}`,
  },
  {
    name: 'other authentication',
    verdict: 'KO',
    counter: 'authenticationMismatches',
    isRivalry: true,
    complaint: ({ instance, packet, advert: { authentication } }) => {
      const ours = instance.authentication ? authenticationTypes.password : authenticationTypes.none
      const isOther = authentication !== undefined && authentication.type !== ours
      return isOther && `received a ${authentication.type} auth from ${packet.source}, expecting ${ours}!`
    },
  },
  {
    name: 'password',
    verdict: 'KO',
    counter: 'authenticationFailures',
    isRivalry: true,
    complaint: ({ instance, packet, advert }) =>
      advert.authentication !== undefined &&
      instance.authentication !== undefined &&
      !advert.authentication.data.equals(passwordBytes(instance.authentication.password)) &&
      `received an invalid passwd from ${packet.source}!`,
  },
  {
    name: 'interval',
    verdict: 'DROP',
    counter: 'intervalErrors', // keepalived counts none
    isRivalry: true,
    complaint: ({ instance, packet, advert }) => {
      const [mine, received] = [intervalMs(instance) / 1000, advert.intervalMs / 1000]
      const isOther = instance.version === 2 && mine !== received
      const text = `advertisement interval mismatch with ${packet.source}`
      return isOther && `${text} mine=${mine} sec rcv'd=${received} sec`
    },
  },
  {
    name: 'type',
    verdict: 'KO',
    counter: 'typeErrors',
    complaint: ({ packet, advert: { type } }) =>
      type !== ADVERTISEMENT &&
      `Invalid packet type from ${packet.source}. ${type} and expect ${ADVERTISEMENT}`,
  },
  {
    name: 'total length',
    verdict: 'KO',
    counter: 'lengthErrors',
    complaint: ({ packet: { source, length, totalLength } }) =>
      !isLength(length, totalLength) &&
      `ip_tot_len mismatch against received length from ${source}. ${totalLength} and received ${length}`,
  },
  {
    name: 'learned interval',
    verdict: 'OK', // the master's is taken over, RFC 5798 §6.4.2
    complaint: ({ instance, advert }) => {
      const [ours, received] = [intervalMs(instance) / 10, advert.intervalMs / 10]
      const isOther = instance.version === 3 && ours !== received
      return isOther && `advertisement interval mismatch ours = ${ours} centi-sec rcv'd=${received} centi-sec`
    },
  },
  {
    name: 'checksum',
    verdict: 'KO',
    counter: 'checksumErrors',
    complaint: ({ instance, packet }) =>
      !hasGoodChecksum(packet) && `Invalid VRRPv${instance.version} checksum from ${packet.source}`,
  },
  {
    name: 'destination',
    verdict: 'KO',
    counter: 'addressListErrors',
    complaint: ({ instance, packet: { source, destination } }) => {
      const [expected, received] = isUnicast(instance) ? ['un', 'mult'] : ['mult', 'un']
      const isOther = isMulticast(destination) === isUnicast(instance)
      return isOther && `Expected ${expected}icast packet but received ${received}icast packet from ${source}`
    },
  },
  {
    name: 'address count',
    verdict: 'OK',
    counter: 'addressListErrors',
    complaint: ({ instance: { virtualAddresses: ours }, advert: { addresses } }) =>
      ours.length !== addresses.length && `expected ${ours.length} VIPs but received ${addresses.length}`,
  },
  {
    name: 'addresses',
    verdict: 'OK',
    counter: 'addressListErrors',
    complaint: ({ instance, packet, advert: { addresses }, isKnown }) => {
      const ours = instance.virtualAddresses
      if (ours.length !== addresses.length || (instance.skipCheckAdvAddr && isKnown)) return false
      const missing = ours.find(({ address }) => !addresses.includes(address))
      const text = `ip address associated with VRID ${instance.virtualRouterId} not present in advert from`
      return missing !== undefined && `${text} ${packet.source}: ${missing.address}`
    },
  },
]

/** Did the message come as it was sent? */
export function hasGoodChecksum({ payload, ...route }: Packet): boolean {
  return isIntact(payload.subarray(0, advertSize(payload, familyOf(route.source))), route)
}

/** How long the packet is going by the message in it. */
function lengthOf({ source, length, payload }: Packet): number {
  return length - payload.length + advertSize(payload, familyOf(source))
}

/** Are these as many bytes as there should be, the padding of a short Ethernet frame aside? */
function isLength(length: number, expected: number): boolean {
  const padding = length - expected
  return padding === 0 || (padding > 0 && length <= SHORTEST_PAYLOAD && (SHORTEST_PAYLOAD - length) % 4 === 0)
}

function isUnicast(instance: Instance): boolean {
  return instance.unicastPeers.length > 0
}

function isAuthenticationType(type: number): boolean {
  return Object.values<number>(authenticationTypes).includes(type)
}

/** RFC 5771, RFC 4291 §2.7. */
function isMulticast(address: Address): boolean {
  return familyOf(address) === 4 ? /^2(2[4-9]|3\d)\./.test(address) : address.startsWith('ff')
}
