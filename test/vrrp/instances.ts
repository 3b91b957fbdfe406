import { type Address, parseAddress } from '../../lib/address.js'
import type { Instance } from '../../lib/vrrp/instance.js'

/** The two nodes of DESIGN's picture. */
export const lb1 = parseAddress('10.0.0.11')
export const lb2 = parseAddress('10.0.0.12')
export const vip = parseAddress('10.0.0.1')

/** The instance of a backup as the smallest configuration has it, with keepalived's defaults. */
export function makeInstance(different: Partial<Instance> = {}): Instance {
  return {
    name: 'external',
    state: 'BACKUP',
    version: 2,
    virtualRouterId: 91,
    priority: 100,
    advertIntervalSeconds: 1,
    authentication: { type: 'PASS', password: '1215' },
    virtualAddresses: virtual('10.0.0.1'),
    source: lb2,
    unicastPeers: [],
    preempt: true,
    preemptDelaySeconds: 0,
    garpMasterRepeat: 5,
    garpMasterDelaySeconds: 5,
    garpMasterRefreshSeconds: 0,
    garpMasterRefreshRepeat: 1,
    garpLowerPrioRepeat: 5,
    garpLowerPrioDelaySeconds: 5,
    ...different,
  }
}

export function virtual(...addresses: string[]): { address: Address }[] {
  return addresses.map(address => ({ address: parseAddress(address) }))
}
