import { record } from '../block-rows.js'
import { command, integer, oneOf, text } from '../codec.js'
import type { DnsCheck, MiscCheck, PingCheck, SmtpCheck, TcpCheck, UdpCheck } from '../model.js'
import { constant, flag, value } from '../rows.js'
import { defineBlock } from '../schema.js'
import { type CheckSurroundings, commonCheck, networkCheck } from './common-check.js'
import { SECONDS_IN_MICROSECONDS } from './global.js'
import { hexBytes, hexPattern } from './hex.js'
import { scriptUser } from './script.js'

const LONGEST_DATAGRAM = 65535

export const tcpCheck = defineBlock<TcpCheck, CheckSurroundings>('TCP_CHECK', {
  fields: { type: constant('tcp'), ...networkCheck() },
})

export const pingCheck = defineBlock<PingCheck, CheckSurroundings>('PING_CHECK', {
  fields: { type: constant('ping'), ...networkCheck() },
})

export const smtpCheck = defineBlock<SmtpCheck, CheckSurroundings>('SMTP_CHECK', {
  fields: {
    type: constant('smtp'),
    heloName: value('helo_name', text(), { default: 'smtpchecker.keepalived.org' }),
    ...networkCheck(),
  },
  unreadBlocks: {
    host: `
      alpha bind_if bind_port bindto connect_ip connect_port connect_timeout delay_before_retry delay_loop fwmark
      log_all_failures retry warmup`,
  },
})

export const dnsCheck = defineBlock<DnsCheck, CheckSurroundings>('DNS_CHECK', {
  fields: {
    type: constant('dns'),
    queryType: value('type', oneOf('A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'RRSIG', 'DNSKEY'), {
      default: 'SOA',
    }),
    name: value('name', text(), { default: '.' }),
    ...networkCheck({ retry: 3, delayBeforeRetrySeconds: undefined }),
  },
})

export const udpCheck = defineBlock<UdpCheck, CheckSurroundings>('UDP_CHECK', {
  fields: {
    type: constant('udp'),
    payload: value('payload', hexBytes, { wholeLine: true }),
    reply: value('require_reply', hexPattern, { wholeLine: true, bare: '' }),
    minReplyLength: value('min_reply_length', integer(0, LONGEST_DATAGRAM), { default: 0 }),
    maxReplyLength: value('max_reply_length', integer(0, LONGEST_DATAGRAM), { default: 255 }),
    ...networkCheck(),
  },
})

export const miscCheck = defineBlock<MiscCheck, CheckSurroundings>('MISC_CHECK', {
  fields: {
    type: constant('misc'),
    argv: value('misc_path', command, { required: 'No script path has been specified - skipping' }),
    user: record('user', scriptUser),
    dynamic: flag('misc_dynamic'),
    ...commonCheck({ retry: 0 }),
    timeoutSeconds: value('misc_timeout', integer(0, SECONDS_IN_MICROSECONDS), {
      inherit: self => self.delayLoopSeconds,
    }),
  },
})
