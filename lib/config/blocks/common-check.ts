import { address, integer, interfaceName, port, seconds } from '../codec.js'
import type { CommonCheck, NetworkCheck, RealServer } from '../model.js'
import { type Keywords, toggle, value } from '../rows.js'
import type { Fields } from '../schema.js'
import { COUNT_MAX, SECONDS_IN_MICROSECONDS } from './global.js'

/** What surrounds a check. */
export interface CheckSurroundings {
  readonly real: Readonly<Partial<RealServer>>
}

/** What a kind of check has where neither it nor the real server says otherwise. */
interface BuiltIn {
  /** @default 1 */
  readonly retry?: number
  /** Undefined: as long as between two checks. @default 1 */
  readonly delayBeforeRetrySeconds?: number | undefined
  readonly retryKeywords?: Keywords
}

/** A microsecond is the shortest time between two checks. */
export const checkInterval = seconds(0.000001)
/** keepalived counts it in 32 bits of microseconds. */
export const connectTimeout = seconds(0.000001, SECONDS_IN_MICROSECONDS)

export function commonCheck(builtIn: BuiltIn = {}): Fields<CommonCheck, CheckSurroundings> {
  const { retry, delayBeforeRetrySeconds, retryKeywords } = {
    retry: 1,
    delayBeforeRetrySeconds: 1,
    retryKeywords: 'retry',
    ...builtIn,
  }
  return {
    delayLoopSeconds: value('delay_loop', checkInterval, {
      honoured: true,
      inherit: (_, { real }) => real.delayLoopSeconds,
    }),
    retry: value(retryKeywords, integer(0, COUNT_MAX), {
      honoured: true,
      inherit: (_, { real }) => real.retry ?? retry,
    }),
    delayBeforeRetrySeconds: value('delay_before_retry', seconds(0), {
      honoured: true,
      inherit: (self, { real }) =>
        real.delayBeforeRetrySeconds ?? delayBeforeRetrySeconds ?? self.delayLoopSeconds,
    }),
    warmupSeconds: value('warmup', seconds(0), {
      honoured: true,
      inherit: (self, { real }) => real.warmupSeconds ?? self.delayLoopSeconds,
    }),
    alpha: toggle('alpha', { honoured: true, inherit: (_, { real }) => real.alpha }),
    logAllFailures: toggle('log_all_failures', { honoured: true, default: false }),
  }
}

/** What checks over the network have. Blocks that are not honoured say so once, whatever stands in them. */
export function networkCheck(builtIn: BuiltIn = {}): Fields<NetworkCheck, CheckSurroundings> {
  return {
    connectAddress: value('connect_ip', address, { honoured: true, inherit: (_, { real }) => real.address }),
    connectPort: value('connect_port', port, { honoured: true, inherit: (_, { real }) => real.port }),
    connectTimeoutSeconds: value('connect_timeout', connectTimeout, {
      honoured: true,
      inherit: (_, { real }) => real.connectTimeoutSeconds,
    }),
    bindAddress: value('bindto', address, { honoured: true }),
    bindPort: value('bind_port', port, { honoured: true }),
    bindInterface: value('bind_if', interfaceName),
    fwmark: value('fwmark', integer(0, COUNT_MAX), { default: 0 }),
    ...commonCheck(builtIn),
  }
}
