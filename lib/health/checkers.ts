import { type TcpCheck, tcpChecker } from './tcp-check.js'

/** How a real shows that it is healthy. */
export type Check = TcpCheck

/** One for each kind of check. Kinds that are not here are not run, and do their real no harm. */
export const checkers = { tcp: tcpChecker }
