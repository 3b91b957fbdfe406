import type { Protocol } from '../../service.js'

/** As they are written. */
export const PROTOCOLS: ReadonlyMap<Protocol, string> = new Map([
  ['tcp', 'TCP'],
  ['udp', 'UDP'],
  ['sctp', 'SCTP'],
])
