import { record } from '../block-rows.js'
import { command, integer, seconds, text } from '../codec.js'
import type { VrrpScript } from '../model.js'
import { flag, head, value } from '../rows.js'
import { defineBlock, positional } from '../schema.js'
import { SECONDS_IN_MICROSECONDS } from './global.js'
import { scriptUser } from './script.js'
import { weight } from './tracking.js'

const INT_MAX = 2147483647

/** Times are read to the millisecond. */
const interval = seconds(0.001, SECONDS_IN_MICROSECONDS, 3)

export const vrrpScript = defineBlock<VrrpScript, undefined>('vrrp_script', {
  head: positional(1, 'name'),
  fields: {
    name: head(text(), { required: 'no name' }),
    argv: value('script', command, { required: 'No script set - removing' }),
    intervalSeconds: value('interval', interval, { default: 1 }),
    timeoutSeconds: value('timeout', interval, { inherit: self => self.intervalSeconds }),
    weight: record('weight', weight, { default: { value: 0 } }),
    rise: value('rise', integer(1, INT_MAX), { default: 1 }),
    fall: value('fall', integer(1, INT_MAX), { default: 1 }),
    user: record('user', scriptUser),
    initFail: flag('init_fail'),
  },
})
