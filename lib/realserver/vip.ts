import type { Address } from '../address.js'
import { familyOf } from '../address.js'
import type { InterfaceAddress } from '../net/netlink/address.js'

/** The interface index of `lo` in each namespace: LOOPBACK_IFINDEX, include/net/flow.h. */
export const LOOPBACK_IFINDEX = 1

/** A VIP as a web server carries it: alone on `lo`, so that no route to its subnet comes with it. */
export function vipOnLoopback(address: Address): InterfaceAddress {
  return {
    ifindex: LOOPBACK_IFINDEX,
    address,
    prefixLength: fullPrefixLength(address),
    noDad: familyOf(address) === 6,
  }
}

export function isVipOnLoopback({ ifindex, address, prefixLength }: InterfaceAddress): boolean {
  return ifindex === LOOPBACK_IFINDEX && prefixLength === fullPrefixLength(address)
}

/** 32 or 128: this address and no other. */
export function fullPrefixLength(address: Address): number {
  return familyOf(address) === 4 ? 32 : 128
}
