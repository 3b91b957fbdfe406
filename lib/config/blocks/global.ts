import { record, wordBlock } from '../block-rows.js'
import { choice, integer, interfaceName, port, positive, seconds, text } from '../codec.js'
import type { Global, LvsTimeouts, SmtpServer } from '../model.js'
import { flag, head, toggle, value } from '../rows.js'
import { defineBlock, positional } from '../schema.js'
import { scriptUser } from './script.js'

/** UINT_MAX: keepalived counts microseconds in 32 bits here. */
export const SECONDS_IN_MICROSECONDS = 4294
export const COUNT_MAX = 4294967295

const smtpServer = defineBlock<SmtpServer, undefined>('smtp_server', {
  head: positional(1, 'host', 'port'),
  fields: { host: head(text(), { required: 'no host' }), port: head(port, { default: 25 }) },
})

/** ipvsadm takes 31 days. */
const LONGEST_TIMEOUT_SECONDS = 2_678_400
const timeout = integer(0, LONGEST_TIMEOUT_SECONDS)
/** The data plane's flows have an age of 16 bits, in quarters of a second. */
export const LONGEST_FLOW_SECONDS = 16_000

const lvsTimeouts = defineBlock<LvsTimeouts, undefined>('lvs_timeouts', {
  fields: {
    tcpSeconds: value('tcp', timeout, { honoured: true }),
    tcpFinSeconds: value('tcpfin', timeout, { honoured: true }),
    udpSeconds: value('udp', timeout, { honoured: true }),
  },
  settle(timeouts, { report, places }) {
    const keys: readonly (keyof LvsTimeouts)[] = ['tcpSeconds', 'tcpFinSeconds', 'udpSeconds']
    const given = keys.filter(key => timeouts[key] !== undefined)
    if (given.length === 0) {
      report.error(places.of(timeouts), 'missing-parameter', 'lvs_timeouts requires at least one option')
      return undefined
    }
    const tooLong = given.filter(key => (timeouts[key] ?? 0) > LONGEST_FLOW_SECONDS)
    for (const key of tooLong) {
      const message = `a flow is remembered for ${LONGEST_FLOW_SECONDS} s at most, setting to ${LONGEST_FLOW_SECONDS}`
      report.warning(places.of(timeouts, key), 'adjusted', `lvs_timeouts: ${message}`)
    }
    return { ...timeouts, ...Object.fromEntries(tooLong.map(key => [key, LONGEST_FLOW_SECONDS])) }
  },
})

export const vrrpVersion = choice(
  new Map([
    [2, '2'],
    [3, '3'],
  ] as const),
)

/** A wait between two messages: at least a microsecond, at most what 32 bits count. */
const messageInterval = seconds(0.000001, 4294.967295)

export const globalDefs = defineBlock<Global, undefined>('global_defs', {
  fields: {
    notificationEmail: wordBlock('notification_email', text(), { honoured: true }),
    notificationEmailFrom: value('notification_email_from', text(), { honoured: true }),
    smtpServer: record('smtp_server', smtpServer, { honoured: true }),
    smtpConnectTimeoutSeconds: value('smtp_connect_timeout', positive(SECONDS_IN_MICROSECONDS), {
      honoured: true,
      default: 30,
    }),
    smtpHeloName: value('smtp_helo_name', text(), { honoured: true }),
    routerId: value('router_id', text(), { honoured: true }),
    smtpAlert: toggle('smtp_alert', { honoured: true }),
    smtpAlertVrrp: toggle('smtp_alert_vrrp', { honoured: true }),
    smtpAlertChecker: toggle('smtp_alert_checker', { honoured: true }),
    defaultInterface: value('default_interface', interfaceName, { honoured: true, default: 'eth0' }),
    vrrpVersion: value('vrrp_version', vrrpVersion, { default: 2 }),
    vrrpGarpMasterDelaySeconds: value('vrrp_garp_master_delay', integer(0, SECONDS_IN_MICROSECONDS), {
      honoured: true,
      default: 5,
    }),
    vrrpGarpMasterRepeat: value('vrrp_garp_master_repeat', positive(COUNT_MAX), {
      honoured: true,
      default: 5,
    }),
    vrrpGarpMasterRefreshSeconds: value('vrrp_garp_master_refresh', integer(0, COUNT_MAX), {
      honoured: true,
      default: 0,
    }),
    vrrpGarpMasterRefreshRepeat: value('vrrp_garp_master_refresh_repeat', positive(COUNT_MAX), {
      honoured: true,
      default: 1,
    }),
    vrrpGarpLowerPrioDelaySeconds: value('vrrp_garp_lower_prio_delay', integer(0, SECONDS_IN_MICROSECONDS), {
      honoured: true,
      inherit: self => self.vrrpGarpMasterDelaySeconds,
    }),
    vrrpGarpLowerPrioRepeat: value('vrrp_garp_lower_prio_repeat', integer(0, COUNT_MAX), {
      honoured: true,
      inherit: self => self.vrrpGarpMasterRepeat,
    }),
    vrrpGarpIntervalSeconds: value('vrrp_garp_interval', messageInterval),
    vrrpGnaIntervalSeconds: value('vrrp_gna_interval', messageInterval),
    vrrpStrict: toggle('vrrp_strict', { default: false }),
    vrrpSkipCheckAdvAddr: toggle('vrrp_skip_check_adv_addr', { honoured: true, default: false }),
    lvsTimeouts: record('lvs_timeouts', lvsTimeouts, { honoured: true }),
    scriptUser: record('script_user', scriptUser),
    enableScriptSecurity: flag('enable_script_security'),
  },
  unread: `
    bfd_cpu_affinity bfd_no_swap bfd_priority bfd_process_name bfd_rlimit_rtime bfd_rlimit_rttime bfd_rt_priority
    checker_cpu_affinity checker_log_all_failures checker_no_swap checker_priority checker_process_name
    checker_rlimit_rtime checker_rlimit_rttime checker_rt_priority config_save_dir data_use_instance
    dbus_no_interface_name dbus_service_name disable_local_igmp dynamic_interfaces enable_dbus enable_snmp_checker
    enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 enable_snmp_vrrp enable_traps
    fifo_write_vrrp_states_on_reload include_check iproute_etc_dir iproute_usr_dir json_dump_file json_version
    log_unknown_vrids lvs_flush lvs_flush_on_stop lvs_flush_onstop lvs_netlink_cmd_rcv_bufs
    lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force lvs_notify_fifo
    lvs_notify_fifo_script lvs_process_name lvs_sync_daemon max_auto_priority min_auto_priority_delay
    nftables nftables_counters nftables_ifindex nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark
    nftables_priority no_checker_emails no_email_faults notify_fifo notify_fifo_script process_monitor_rcv_bufs
    process_monitor_rcv_bufs_force process_name process_names random_seed reload_check_config reload_file
    reload_repeat reload_time_file rs_init_notifies set_supplementary_groups shutdown_script
    shutdown_script_timeout snmp_rs_stats_update_interval snmp_socket snmp_vs_stats_update_interval startup_script
    startup_script_timeout state_dump_file stats_dump_file tmp_config_directory umask use_symlink_paths
    v3_checksum_as_v2 vmac_addr_prefix vmac_prefix vrrp_check_unicast_src vrrp_cpu_affinity vrrp_delay_after_boot
    vrrp_down_timer_adverts vrrp_garp_extra_if vrrp_higher_prio_send_advert vrrp_ipsets vrrp_iptables
    vrrp_lower_prio_no_advert vrrp_mcast_group4 vrrp_mcast_group6 vrrp_min_garp vrrp_netlink_cmd_rcv_bufs
    vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force vrrp_no_swap
    vrrp_notify_fifo vrrp_notify_fifo_script vrrp_notify_priority_changes vrrp_owner_ignore_adverts vrrp_priority
    vrrp_process_name vrrp_rlimit_rtime vrrp_rlimit_rttime vrrp_rt_priority vrrp_rx_bufs_multiplier
    vrrp_rx_bufs_policy vrrp_startup_delay vrrp_vmac_garp_intvl`,
})
