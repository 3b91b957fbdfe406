import type { Address } from '../address.js'
import { Netlink } from '../net/netlink/netlink.js'
import type { Attempt } from './check.js'

/**
 * What a failure to reach an address is worth. A machine whose own cable is pulled can say nothing of others: it would
 * find them all dead, and come back to an address that nobody stands behind.
 */
export function excuse(attempt: Attempt, address: Address): Attempt {
  if (attempt.outcome !== 'failure') return attempt
  const severed = severedInterface(address)
  return severed === undefined
    ? attempt
    : { outcome: 'untried', reason: `${severed} has no carrier`, timedOut: false }
}

/** The interface that leads to an address, if it has no carrier. */
function severedInterface(address: Address): string | undefined {
  using netlink = Netlink.open()
  const route = netlink.routeTo(address)
  const link = route && netlink.link(route.ifindex)
  return link?.running === false ? link.name : undefined
}
