import { blocks, record } from '../block-rows.js'
import { address, choice, clientMask, integer, oneOf, portOrZero, seconds, text } from '../codec.js'
import type { Endpoint, VirtualServer } from '../model.js'
import { flag, flags, head, toggle, value } from '../rows.js'
import { defineBlock, type Head, positional } from '../schema.js'
import type { Word } from '../words.js'
import { checkInterval, connectTimeout } from './common-check.js'
import { forwarding } from './forwarding.js'
import { COUNT_MAX } from './global.js'
import { PROTOCOLS } from './protocols.js'
import { realServer, WEIGHT_MAX } from './real-server.js'
import { script } from './script.js'
import { DEFAULT_PERSISTENCE_SECONDS, type ServiceSurroundings, settleService } from './service-rules.js'

/** `IP [PORT]`, `fwmark N` or `group NAME` */
const serviceHead: Head<VirtualServer> = {
  min: 1,
  max: 2,
  assign([first, second]) {
    if (first === undefined) return []
    if (first.text === 'fwmark') return part('fwmark', second)
    if (first.text === 'group') return part('group', second)
    return [['address', first], ...part('port', second)]
  },
  join({ address = '', port = '0', fwmark, group }) {
    if (fwmark !== undefined) return ['fwmark', fwmark]
    if (group !== undefined) return ['group', group]
    return port === '0' ? [address] : [address, port]
  },
}

function part<K extends keyof VirtualServer>(key: K, word: Word | undefined): [K, Word][] {
  return word === undefined ? [] : [[key, word]]
}

const sorryServer = defineBlock<Endpoint, undefined>('sorry_server', {
  head: positional(1, 'address', 'port'),
  fields: { address: head(address, { required: 'no address' }), port: head(portOrZero, { default: 0 }) },
})

/** include/uapi/linux/ip_vs.h does not name it; ipvsadm takes 31 days. */
const LONGEST_PERSISTENCE_SECONDS = 2_678_400

const scheduler = oneOf(
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'sh',
  'mh',
  'dh',
  'fo',
  'ovf',
  'sed',
  'nq',
  'twos',
)

export const virtualServer = defineBlock<VirtualServer, ServiceSurroundings>('virtual_server', {
  head: serviceHead,
  fields: {
    address: head(address),
    port: head(portOrZero, { default: 0 }),
    fwmark: head(integer(0, COUNT_MAX)),
    group: head(text()),
    ipFamily: value('ip_family', oneOf('inet', 'inet6'), { honoured: true }),
    delayLoopSeconds: value('delay_loop', checkInterval, { honoured: true, default: 60 }),
    protocol: value('protocol', choice(PROTOCOLS, { ignoreCase: true }), {
      honoured: true,
      always: self => self.fwmark === undefined,
      default: 'udp',
    }),
    scheduler: value(['lb_algo', 'lvs_sched'], scheduler, { honoured: true, always: true, default: 'wlc' }),
    schedulerFlags: flags(
      ['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'],
      {
        honoured: true,
      },
    ),
    onePacket: flag('ops', { honoured: true }),
    forwarding: forwarding(['lb_kind', 'lvs_method'], {
      honoured: true,
      always: true,
      default: { method: 'nat' },
    }),
    persistenceTimeoutSeconds: value('persistence_timeout', integer(1, LONGEST_PERSISTENCE_SECONDS), {
      honoured: true,
      bare: DEFAULT_PERSISTENCE_SECONDS,
      inherit: self => (self.persistenceMask === undefined ? undefined : DEFAULT_PERSISTENCE_SECONDS),
    }),
    persistenceMask: value('persistence_granularity', clientMask, { honoured: true }),
    connectTimeoutSeconds: value('connect_timeout', connectTimeout, { honoured: true, default: 5 }),
    retry: value('retry', integer(1, COUNT_MAX), { honoured: true }),
    delayBeforeRetrySeconds: value('delay_before_retry', seconds(0), { honoured: true }),
    warmupSeconds: value('warmup', seconds(0), { honoured: true }),
    inhibitOnFailure: flag('inhibit_on_failure', { honoured: true }),
    alpha: flag('alpha', { honoured: true }),
    omega: flag('omega'),
    quorum: value('quorum', integer(1, COUNT_MAX), { default: 1 }),
    hysteresis: value('hysteresis', integer(0, COUNT_MAX), { default: 0 }),
    quorumUp: script('quorum_up'),
    quorumDown: script('quorum_down'),
    weight: value('weight', integer(1, WEIGHT_MAX), { honoured: true, default: 1 }),
    haSuspend: flag('ha_suspend'),
    virtualHost: value('virtualhost', text()),
    smtpAlert: toggle('smtp_alert', {
      inherit: (_, { global }) => global.smtpAlertChecker ?? global.smtpAlert ?? false,
    }),
    sorryServer: record('sorry_server', sorryServer),
    sorryServerInhibit: flag('sorry_server_inhibit'),
    sorryServerForwarding: forwarding('sorry_server_lvs_method', { inherit: self => self.forwarding }),
    realServers: blocks(realServer, (service, { global }) => ({ service, global }), { honoured: true }),
  },
  unread: 'hashed persistence_engine snmp_name',
  settle: settleService,
})
