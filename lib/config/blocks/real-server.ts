import { address, integer, portOrZero, seconds, text } from '../codec.js'
import type { Global, RealServer, VirtualServer } from '../model.js'
import { head, toggle, value } from '../rows.js'
import { defineBlock, positional } from '../schema.js'
import { checks } from './checks.js'
import { checkInterval, connectTimeout } from './common-check.js'
import { forwarding } from './forwarding.js'
import { COUNT_MAX } from './global.js'
import { script } from './script.js'

/** What surrounds a real server. */
export interface RealSurroundings {
  readonly service: Readonly<Partial<VirtualServer>>
  readonly global: Readonly<Partial<Global>>
}

/** IPVS_WEIGHT_LIMIT, an int of the kernel. */
export const WEIGHT_MAX = 2147483647

export const realServer = defineBlock<RealServer, RealSurroundings>('real_server', {
  head: positional(1, 'address', 'port'),
  fields: {
    address: head(address, { required: 'no address' }),
    port: head(portOrZero, { inherit: (_, { service }) => service.port }),
    weight: value('weight', integer(0, WEIGHT_MAX), {
      honoured: true,
      inherit: (_, { service }) => service.weight,
    }),
    forwarding: forwarding('lvs_method', {
      honoured: true,
      inherit: (_, { service }) => service.forwarding,
    }),
    inhibitOnFailure: toggle('inhibit_on_failure', {
      honoured: true,
      inherit: (_, { service }) => service.inhibitOnFailure,
    }),
    alpha: toggle('alpha', { honoured: true, inherit: (_, { service }) => service.alpha }),
    connectTimeoutSeconds: value('connect_timeout', connectTimeout, {
      honoured: true,
      inherit: (_, { service }) => service.connectTimeoutSeconds,
    }),
    retry: value('retry', integer(1, COUNT_MAX), {
      honoured: true,
      inherit: (_, { service }) => service.retry,
    }),
    delayBeforeRetrySeconds: value('delay_before_retry', seconds(0), {
      honoured: true,
      inherit: (_, { service }) => service.delayBeforeRetrySeconds,
    }),
    warmupSeconds: value('warmup', seconds(0), {
      honoured: true,
      inherit: (_, { service }) => service.warmupSeconds,
    }),
    delayLoopSeconds: value('delay_loop', checkInterval, {
      honoured: true,
      inherit: (_, { service }) => service.delayLoopSeconds,
    }),
    virtualHost: value('virtualhost', text(), { inherit: (_, { service }) => service.virtualHost }),
    upperThreshold: value('uthreshold', integer(0, COUNT_MAX), { honoured: true, default: 0 }),
    lowerThreshold: value('lthreshold', integer(0, COUNT_MAX), { honoured: true, default: 0 }),
    notifyUp: script('notify_up'),
    notifyDown: script('notify_down'),
    smtpAlert: toggle('smtp_alert', {
      honoured: true,
      inherit: (_, { global }) => global.smtpAlertChecker ?? global.smtpAlert ?? true,
    }),
    checks: checks(),
  },
  unread: 'snmp_name',
  unreadBlocks: { BFD_CHECK: 'alpha name', FILE_CHECK: 'track_file weight' },
})
