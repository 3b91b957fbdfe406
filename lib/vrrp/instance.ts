import type { Address } from '../address.js'

/**
 * What the protocol has to know of a `vrrp_instance`; one of the configuration fits when the source of its adverts
 * is added.
 */
export interface Instance {
  readonly name: string
  /** How it would like to start; heeded with priority 255 only. */
  readonly state: 'MASTER' | 'BACKUP'
  readonly version: 2 | 3
  /** VRID, 1..255. */
  readonly virtualRouterId: number
  /** 1..255; 255 is the owner of the addresses. Trackers will move it. */
  readonly priority: number
  /** Whole seconds in version 2, hundredths in version 3. */
  readonly advertIntervalSeconds: number
  /** Version 2 only. */
  readonly authentication?: { readonly type: 'PASS'; readonly password: string }
  /** In adverts. */
  readonly virtualAddresses: readonly { readonly address: Address }[]
  /** Where adverts come from: `unicast_src_ip`, or the first address of the interface. */
  readonly source: Address
  /** Adverts go to these; to the multicast group when there are none. */
  readonly unicastPeers: readonly { readonly address: Address }[]
  /** Take over from a master of lower priority. */
  readonly preempt: boolean
  readonly preemptDelaySeconds: number
  /** How often to announce the addresses in one go on becoming master, and when to do so again; 0: not again. */
  readonly garpMasterRepeat: number
  readonly garpMasterDelaySeconds: number
  /** How often from then on; 0: never. */
  readonly garpMasterRefreshSeconds: number
  readonly garpMasterRefreshRepeat: number
  /** The same for a master that hears another of lower priority. */
  readonly garpLowerPrioRepeat: number
  readonly garpLowerPrioDelaySeconds: number
  /** Compare the addresses in a master's first advert only. @default false */
  readonly skipCheckAdvAddr?: boolean
  /** See `encodeAdvert`. @default false */
  readonly v3ChecksumAsV2?: boolean
}
