import { block, records } from '../block-rows.js'
import { address, integer, interfaceName, oneOf, positive, seconds, secret, text } from '../codec.js'
import type { Authentication, UnicastPeer, VrrpInstance } from '../model.js'
import { head, switches, value } from '../rows.js'
import { defineBlock, positional } from '../schema.js'
import { COUNT_MAX, SECONDS_IN_MICROSECONDS, vrrpVersion } from './global.js'
import { notifies, type VrrpSurroundings } from './notify.js'
import { trackInterfaces, trackScripts } from './tracking.js'
import { virtualAddress } from './virtual-address.js'
import { OWNER_PRIORITY, settleInstance } from './vrrp-rules.js'

/** RFC 2338 §5.3.10 has 8 bytes for it. */
const PASSWORD_BYTES = 8

const authentication = defineBlock<Authentication, undefined>('authentication', {
  secret: true,
  fields: {
    type: value('auth_type', oneOf('PASS', 'AH'), { honoured: true, required: 'no auth_type' }),
    password: value('auth_pass', secret(PASSWORD_BYTES), {
      honoured: true,
      required: 'Authentication specified but no password given. Ignoring',
    }),
  },
})

const unicastPeer = defineBlock<UnicastPeer, undefined>('unicast_peer', {
  head: positional(1, 'address'),
  fields: {
    address: head(address, { required: 'no address' }),
    minTtl: value('min_ttl', integer(0, 255)),
    maxTtl: value('max_ttl', integer(0, 255)),
  },
})

export const vrrpInstance = defineBlock<VrrpInstance, VrrpSurroundings>('vrrp_instance', {
  head: positional(1, 'name'),
  fields: {
    name: head(text(), { required: 'no name' }),
    state: value('state', oneOf('MASTER', 'BACKUP'), {
      honoured: true,
      always: true,
      inherit: self => (self.priority === OWNER_PRIORITY ? 'MASTER' : 'BACKUP'),
    }),
    interface: value('interface', interfaceName, {
      honoured: true,
      always: true,
      inherit: (_, { global }) => global.defaultInterface,
    }),
    virtualRouterId: value('virtual_router_id', integer(1, 255), {
      honoured: true,
      required: 'the virtual router id must be set',
    }),
    priority: value('priority', integer(1, OWNER_PRIORITY), {
      honoured: true,
      always: true,
      inherit: self => (self.state === 'MASTER' ? OWNER_PRIORITY : 100),
    }),
    advertIntervalSeconds: value('advert_int', seconds(0.01, 255), { honoured: true, default: 1 }),
    version: value('version', vrrpVersion, { inherit: (_, { global }) => global.vrrpVersion }),
    authentication: block(authentication, () => undefined, { honoured: true }),
    virtualAddresses: records('virtual_ipaddress', virtualAddress, { honoured: true }),
    excludedAddresses: records('virtual_ipaddress_excluded', virtualAddress, { honoured: true }),
    preempt: switches(
      new Map([
        [false, 'nopreempt'],
        [true, 'preempt'],
      ]),
      { honoured: true, default: true },
    ),
    preemptDelaySeconds: value('preempt_delay', seconds(0, 1000), { honoured: true, default: 0 }),
    unicastSource: value('unicast_src_ip', address, { honoured: true }),
    unicastPeers: records('unicast_peer', unicastPeer, { honoured: true }),
    garpMasterDelaySeconds: value('garp_master_delay', integer(0, SECONDS_IN_MICROSECONDS), {
      honoured: true,
      inherit: (_, { global }) => global.vrrpGarpMasterDelaySeconds,
    }),
    garpMasterRepeat: value('garp_master_repeat', positive(COUNT_MAX), {
      honoured: true,
      inherit: (_, { global }) => global.vrrpGarpMasterRepeat,
    }),
    garpMasterRefreshSeconds: value('garp_master_refresh', integer(0, COUNT_MAX), {
      honoured: true,
      inherit: (_, { global }) => global.vrrpGarpMasterRefreshSeconds,
    }),
    garpMasterRefreshRepeat: value('garp_master_refresh_repeat', positive(COUNT_MAX), {
      honoured: true,
      inherit: (_, { global }) => global.vrrpGarpMasterRefreshRepeat,
    }),
    garpLowerPrioDelaySeconds: value('garp_lower_prio_delay', integer(0, SECONDS_IN_MICROSECONDS), {
      honoured: true,
      inherit: (_, { global }) => global.vrrpGarpLowerPrioDelaySeconds,
    }),
    garpLowerPrioRepeat: value('garp_lower_prio_repeat', integer(0, COUNT_MAX), {
      honoured: true,
      inherit: (_, { global }) => global.vrrpGarpLowerPrioRepeat,
    }),
    trackInterfaces: trackInterfaces(),
    trackScripts: trackScripts(),
    ...notifies,
  },
  unread: `
    accept check_unicast_src debug dont_track_primary down_timer_adverts garp_extra_if higher_prio_send_advert
    kernel_rx_buf_size linkbeat_use_polling lower_prio_no_advert lvs_sync_daemon_interface mcast_dst_ip mcast_src_ip
    native_ipv6 no_accept no_virtual_ipaddress notify_deleted notify_master_rx_lower_pri notify_priority_changes
    old_unicast_checksum owner_ignore_adverts promote_secondaries skip_check_adv_addr strict_mode
    thread_timer_expired timer_expired_backup track_src_ip unicast_fault_no_peer unicast_ttl use_ipvlan use_vmac
    use_vmac_addr v3_checksum_as_v2 vmac_garp_intvl vmac_xmit_base vrf`,
  unreadBlocks: {
    auth_hmac: 'active_key anti_replay key mode time_window',
    track_bfd: '',
    track_file: '',
    track_process: '',
    virtual_routes: '',
    virtual_rules: '',
  },
  settle: settleInstance,
})
