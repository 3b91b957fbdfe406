import t from 'tap'
import { parseConfig, printConfig } from '../../lib/config/index.js'
import { instance, said, service } from './examples.js'

t.test('a fault has its place, its kind and words that keepalived uses', t => {
  const cases: [text: string, ...said: string[]][] = [
    // words
    ['  foo 1', "1:3 error unknown-keyword Unknown keyword 'foo'"],
    [
      'virtual_serve 1 {\nquorum 1\n}',
      "1:1 error unknown-keyword Unknown keyword 'virtual_serve' - its block is skipped; did you mean 'virtual_server'?",
    ],
    [
      service('lb_knid DR'),
      "5:1 error unknown-keyword Unknown keyword 'lb_knid' in virtual_server; did you mean 'lb_kind'?",
    ],
    [
      service('', 'WEIGHT 2'),
      "7:1 error unknown-keyword Unknown keyword 'WEIGHT' in real_server; did you mean 'weight'?",
    ],
    [
      service('alpha on'),
      '5:7 warning extra-words more words than alpha takes - ignoring the rest of the line',
    ],
    [
      service('', 'weight 2 3 4'),
      '7:10 warning extra-words more words than weight takes - ignoring the rest of the line',
    ],
    [
      service('', 'weight'),
      '7:1 error missing-parameter Configuration line starting `weight` is missing a parameter after keyword `weight` at word position 2',
    ],
    [
      'vrrp_instance {\n}',
      '1:1 error missing-parameter Configuration line starting `vrrp_instance` is missing a parameter after keyword `vrrp_instance` at word position 2',
    ],
    [service('', 'weight 2\nweight 3'), '8:1 warning duplicate weight is given again - the last one counts'],
    [service('', 'weight 2 {\n}'), "7:1 error braces Unexpected '{' after weight; its block is skipped"],
    [
      instance('', { addresses: '10.0.0.1/24 {\n10.0.0.2\n}' }),
      "6:1 error braces Unexpected '{'; its block is skipped",
    ],
    ['net_namespace x', '1:1 warning not-honoured net_namespace is not honoured yet'],
    [
      'bfd_instance x {\nmin_rx 10\nmin_ry 10\n}',
      '1:1 warning not-honoured bfd_instance is not honoured yet',
      "3:1 error unknown-keyword Unknown keyword 'min_ry' in bfd_instance; did you mean 'min_rx'?",
    ],
    [
      'static_routes {\n10.0.0.0/8 via 10.0.0.1\n}',
      '1:1 warning not-honoured static_routes is not honoured yet',
    ],

    // values
    [service('', 'weight x'), "7:8 error invalid-value weight: invalid number 'x' - ignoring"],
    [service('', 'weight 0x10'), "7:8 error invalid-value weight: invalid number '0x10' - ignoring"],
    [service('', 'weight -1'), "7:8 error invalid-value weight: negative number '-1' - ignoring"],
    [
      service('', 'weight 2147483648'),
      "7:8 error invalid-value weight: number '2147483648' outside range [0, 2147483647] - ignoring",
    ],
    [service('delay_loop 1s'), "5:12 error invalid-value delay_loop: invalid number '1s' - ignoring"],
    [service('delay_loop .'), "5:12 error invalid-value delay_loop: invalid number '.' - ignoring"],
    [service('delay_loop -1'), "5:12 error invalid-value delay_loop: negative number '-1' - ignoring"],
    [
      service('delay_loop 0'),
      "5:12 error invalid-value delay_loop: number '0' outside range [0.000001, 8589934592.000000] - ignoring",
    ],
    [
      service('delay_loop 1.1234567'),
      "5:12 warning adjusted delay_loop: number '1.1234567' has too many decimal places",
    ],
    [
      service('lb_algo xx'),
      '5:1 warning duplicate lb_algo is given again - the last one counts',
      "5:9 error invalid-value lb_algo: unknown value 'xx', expected rr, wrr, lc, wlc, lblc, lblcr, sh, mh, dh, fo, ovf, sed, nq, twos - ignoring",
    ],
    [
      service('', 'inhibit_on_failure Yes'),
      "7:20 error invalid-value inhibit_on_failure: unknown value 'Yes', expected on, true, yes, off, false or no - ignoring",
    ],
    [
      service('persistence_granularity 24.'),
      '5:25 error invalid-value persistence_granularity: Invalid persistence_granularity specified - 24., expected a netmask or 1..128 - ignoring',
    ],
    [
      service('persistence_granularity 24'),
      '5:1 error conflict Invalid IPv4 persistence_granularity specified - ignoring',
    ],
    [
      service('', 'TCP_CHECK {\nconnect_ip 10.0.0\n}'),
      '8:12 error invalid-value connect_ip: Invalid IP address 10.0.0 - ignoring',
    ],
    [
      instance('interface abcdefghijklmnop'),
      '4:1 warning duplicate interface is given again - the last one counts',
      "4:11 error invalid-value interface: Interface name 'abcdefghijklmnop' too long - ignoring",
    ],
    [
      instance('interface ""'),
      '4:1 warning duplicate interface is given again - the last one counts',
      "4:11 error invalid-value interface: empty text '' - ignoring",
    ],
    [
      instance(`notify "/bin/a 'b"`),
      '4:1 warning not-honoured notify is not honoured yet',
      '4:8 error invalid-value notify: a quote in the command is not closed - skipping',
    ],
    [
      instance('notify ""'),
      '4:1 warning not-honoured notify is not honoured yet',
      '4:8 error invalid-value notify: empty command - skipping',
    ],
    [
      'global_defs {\nsmtp_connect_timeout 0\n}',
      '2:22 warning adjusted smtp_connect_timeout: must be greater than 0, setting to 1',
    ],
    [
      'global_defs {\nvrrp_garp_interval 0\n}',
      '2:1 warning not-honoured vrrp_garp_interval is not honoured yet',
      "2:20 error invalid-value vrrp_garp_interval: number '0' outside range [0.000001, 4294.967295] - ignoring",
    ],
    [
      service('', 'HTTP_GET {\nurl {\npath /\ndigest 12\nstatus_code 99 300-200\n}\n}'),
      '7:1 warning not-honoured HTTP_GET is not honoured yet',
      "10:8 error invalid-value digest: digest '12' should be 32 hexadecimal digits - ignoring",
      "11:13 error invalid-value status_code: Invalid HTTP_GET status code '99' - ignoring",
      "11:16 error invalid-value status_code: Invalid HTTP_GET status code '300-200' - ignoring",
    ],
    [
      service('', 'UDP_CHECK {\npayload 0g\n}'),
      '7:1 warning not-honoured UDP_CHECK is not honoured yet',
      "8:9 error invalid-value payload: Invalid hex string '0g' - ignoring",
    ],
    [
      'global_defs {\nlvs_timeouts tcp 2678401 udp\n}',
      '2:14 error missing-parameter lvs_timeouts requires at least one option',
      "2:18 error invalid-value tcp: number '2678401' outside range [0, 2678400] - ignoring",
      '2:26 error missing-parameter Configuration line starting `udp` is missing a parameter after keyword `udp` at word position 2',
    ],
    [
      'global_defs {\nlvs_timeouts udp 0 tcp 20000\n}',
      '2:20 warning adjusted lvs_timeouts: a flow is remembered for 16000 s at most, setting to 16000',
    ],
    [
      'global_defs {\nlvs_timeouts\n}',
      '2:1 error missing-parameter lvs_timeouts requires at least one option',
    ],
    [
      'global_defs {\nlvs_timeouts sctp 5\n}',
      "2:14 error unknown-keyword Unknown keyword 'sctp' in lvs_timeouts",
      "2:19 error unknown-keyword Unknown keyword '5' in lvs_timeouts",
      '2:14 error missing-parameter lvs_timeouts requires at least one option',
    ],
    [
      'xdplb {\nmax_flows 1000\n}',
      "2:11 error invalid-value max_flows: number '1000' outside range [1024, 16777216] - ignoring",
    ],
    [
      'xdplb {\nmax_templates 1000\nmax_fragments 1048577\n}',
      "2:15 error invalid-value max_templates: number '1000' outside range [1024, 8388608] - ignoring",
      "3:15 error invalid-value max_fragments: number '1048577' outside range [256, 1048576] - ignoring",
    ],
    [
      'xdplb {\nconn_reuse_mode 4\nsloppy_tcp yes\n}',
      "2:17 error invalid-value conn_reuse_mode: number '4' outside range [0, 3] - ignoring",
      "3:12 error invalid-value sloppy_tcp: unknown value 'yes', expected 0, 1 - ignoring",
    ],

    // vrrp_instance
    [
      'vrrp_instance V {\ninterface eth0\nvirtual_ipaddress {\n10.0.0.1\n}\n}',
      '1:1 error incomplete vrrp_instance: the virtual router id must be set',
    ],
    [
      instance('virtual_router_id 300'),
      '4:1 warning duplicate virtual_router_id is given again - the last one counts',
      "4:19 error invalid-value virtual_router_id: number '300' outside range [1, 255] - ignoring",
    ],
    [
      instance('interface lo'),
      '4:1 error incomplete (V) cannot use a loopback interface (lo) for vrrp - ignoring the instance',
      '4:1 warning duplicate interface is given again - the last one counts',
    ],
    [
      instance('', { addresses: '' }),
      '5:1 warning incomplete (V) No VIP specified; at least one is sensible',
    ],
    [
      instance('version 3', { addresses: '' }),
      '4:1 warning not-honoured version is not honoured yet',
      '5:1 error incomplete (V) No VIP specified; at least one is required',
    ],
    [
      instance('', { addresses: '10.0.0.1/33' }),
      '6:10 warning adjusted Invalid address prefix len 33 for address 10.0.0.1 - using 32',
    ],
    [
      instance('', { addresses: ' 10.0.0.300/24' }),
      '5:1 warning incomplete (V) No VIP specified; at least one is sensible',
      '6:2 error invalid-value virtual_ipaddress: Invalid IP address 10.0.0.300 - skipping',
    ],
    [
      instance('', { addresses: '10.0.0.1\n10.0.0.1/24' }),
      '7:1 warning duplicate (V): VIP duplicates a VIP 10.0.0.1 - ignoring',
    ],
    [
      instance('', { addresses: '10.0.0.1\n2001:db8::1' }),
      '7:1 error conflict (V): address family must match VRRP instance [2001:db8::1] - ignoring',
    ],
    [
      instance('', { addresses: 'fe80::1/64' }),
      '6:1 warning not-honoured (V) IPv6 is not honoured yet in vrrp_instance',
    ],
    [
      instance('unicast_src_ip fe80::1', { addresses: '' }),
      '1:1 warning not-honoured (V) IPv6 is not honoured yet in vrrp_instance',
      '5:1 error incomplete (V) No VIP specified; at least one is required',
    ],
    [
      instance('', { addresses: '10.0.0.1 dev eth1 foo' }),
      "6:19 error unknown-keyword Unknown keyword 'foo' in virtual_ipaddress",
    ],
    [
      instance('', { addresses: '10.0.0.1 dev' }),
      '6:10 error missing-parameter Configuration line starting `dev` is missing a parameter after keyword `dev` at word position 2',
    ],
    [
      instance('', { addresses: Array.from({ length: 256 }, (_, i) => `10.0.1.${i}`).join('\n') }),
      '5:1 warning adjusted (V) Number of VIPs (256) exceeds space available in packet (max 255) - excess moved to eVIPs',
    ],
    [
      instance('advert_int 1.5'),
      '4:1 warning adjusted (V) VRRPv2 advertisement interval 1.5s must be in units of 1s. rounding',
    ],
    [
      instance('version 3\nadvert_int 41'),
      '4:1 warning not-honoured version is not honoured yet',
      '5:1 warning adjusted (V) VRRPv3 advertisement interval 41s is out of range. Setting to 40.95s',
    ],
    [
      instance('priority 100\nnopreempt\npreempt_delay 5\nstate MASTER'),
      '5:1 warning adjusted (V) Warning - nopreempt will not work with initial state MASTER - clearing',
      '6:1 warning adjusted (V) Warning - preempt delay will not work with initial state MASTER - clearing',
    ],
    [
      instance('priority 255\nstate BACKUP\nnopreempt'),
      '6:1 warning adjusted (V) nopreempt is incompatible with priority 255. resetting nopreempt',
    ],
    [
      instance('nopreempt\npreempt_delay 5'),
      '5:1 warning adjusted (V) preempt_delay is incompatible with nopreempt mode - resetting',
    ],
    [
      instance(
        'state MASTER\npriority 100\npreempt_delay 1\nauthentication {\nauth_type PASS\nauth_pass 1111\n}',
        {
          global: 'global_defs { vrrp_strict\n}\n',
        },
      ),
      '1:15 warning not-honoured vrrp_strict is not honoured yet',
      '6:1 warning adjusted (V) State MASTER must match being address owner',
      '8:1 warning adjusted (V) preempt_delay is incompatible with strict mode - resetting',
      '9:1 warning adjusted (V) Strict mode does not support authentication. Ignoring.',
    ],
    [
      instance('version 3\nauthentication {\nauth_type PASS\nauth_pass 1111\n}'),
      '4:1 warning not-honoured version is not honoured yet',
      '5:1 warning adjusted (V) VRRP version 3 does not support authentication. Ignoring.',
    ],
    [
      instance('authentication {\nauth_type AH\nauth_pass 1111\n}'),
      '5:1 warning not-honoured auth_type AH is not honoured yet',
    ],
    [
      instance('authentication {\nauth_type PASS\n}'),
      '4:1 error incomplete authentication: Authentication specified but no password given. Ignoring',
    ],
    [instance('authentication {\nauth_pass 1111\n}'), '4:1 error incomplete authentication: no auth_type'],
    [
      instance('authentication {\nauth_type PASS\nauth_pass 123456789\n}'),
      '6:11 warning adjusted auth_pass: Truncating to 8 characters',
    ],
    [
      instance('track_script {\nx weight 254\n}'),
      '4:1 error conflict (V) track script x not found, ignoring...',
      '4:1 warning not-honoured track_script is not honoured yet',
      '5:10 warning adjusted weight: weight cannot be +/-254. Setting to +/-253',
    ],
    [`${instance('')}\n${instance('')}`, '9:1 error duplicate vrrp instance V already defined'],
    [
      `${instance('')}\n${instance('').replace('V', 'W')}`,
      '9:1 error duplicate (W) virtual_router_id 51 is already used on interface eth0 - ignoring the instance',
    ],
    [
      'vrrp_sync_group G {\n}\nvrrp_script s {\nfall 2\n}',
      '1:1 error incomplete Sync group G has no members - removing',
      '1:1 warning not-honoured vrrp_sync_group is not honoured yet',
      '3:1 error incomplete vrrp_script: No script set - removing',
      '3:1 warning not-honoured vrrp_script is not honoured yet',
    ],

    // virtual_server
    [
      'virtual_server 10.0.0.300 80 {\nquorum 2\n}',
      '1:16 error invalid-value virtual_server: Invalid IP address 10.0.0.300 - skipping',
      '2:1 warning not-honoured quorum is not honoured yet',
    ],
    [
      'virtual_server 10.0.0.1 65536 {\n}',
      "1:25 error invalid-value virtual_server: number '65536' outside range [0, 65535] - skipping",
    ],
    [
      'virtual_server fwmark {\n}',
      '1:1 error missing-parameter virtual_server: expected one of address, fwmark and group - skipping',
    ],
    [
      'virtual_server 10.0.0.1 80 {\nprotocol TCP\n}',
      '1:1 error incomplete Virtual server 10.0.0.1:80/tcp has no real servers - ignoring',
      "1:1 warning adjusted Virtual server 10.0.0.1:80/tcp: no scheduler set, setting default 'wlc'",
    ],
    [
      'virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.71 80 {\n}\n}',
      '1:1 warning adjusted Virtual server 10.0.0.1:80/udp: no protocol set - defaulting to UDP',
      "1:1 warning adjusted Virtual server 10.0.0.1:80/udp: no scheduler set, setting default 'wlc'",
      '1:1 warning adjusted Virtual server 10.0.0.1:80/udp: no forwarding method set, setting default NAT',
      '1:1 error not-run forwarding NAT is refused: XDP direct routing cannot translate addresses - 10.0.0.1:80/udp is not run; use DR or TUN',
    ],
    [
      service('lb_kind NAT'),
      '5:1 warning duplicate lb_kind is given again - the last one counts',
      '5:1 error not-run forwarding NAT is refused: XDP direct routing cannot translate addresses - 10.0.0.1:80/tcp is not run; use DR or TUN',
    ],
    [
      service('', 'lvs_method NAT'),
      '7:1 error not-run forwarding NAT is refused: XDP direct routing cannot translate addresses - real server 10.0.0.71:80 is not run; use DR or TUN',
    ],
    [service('', 'lvs_method TUN')],
    [service('', 'lvs_method TUN type ipip')],
    [
      service('', 'lvs_method TUN type gue port 5555 csum'),
      '7:1 error not-run forwarding TUN type gue is refused: packets are wrapped in IP and nothing else - real server 10.0.0.71:80 is not run; use TUN type ipip',
    ],
    [
      service('', 'lvs_method TUN type gre remcsum'),
      '7:1 error not-run forwarding TUN type gre is refused: packets are wrapped in IP and nothing else - real server 10.0.0.71:80 is not run; use TUN type ipip',
      '7:25 error conflict gre tunnels do not support remote checksum option - ignoring',
    ],
    [
      service('', 'lvs_method TUN type gue'),
      '7:1 error not-run forwarding TUN type gue is refused: packets are wrapped in IP and nothing else - real server 10.0.0.71:80 is not run; use TUN type ipip',
      '7:16 error incomplete gue tunnels require port',
    ],
    [
      service('', 'lvs_method TUN port 5 csum'),
      '7:16 error conflict ipip tunnels cannot have port - ignoring',
      '7:23 error conflict ipip tunnels do not support checksum option - ignoring',
    ],
    [
      service('', 'lvs_method TUN type vxlan'),
      "7:21 error invalid-value type: unknown value 'vxlan', expected ipip, gue, gre - ignoring",
    ],
    [service('lb_algo wrr'), '5:1 warning duplicate lb_algo is given again - the last one counts'],
    [
      service('lb_algo wrr', 'weight 65535\n}\nreal_server 10.0.0.72 80 {\nweight 65534'),
      '5:1 warning duplicate lb_algo is given again - the last one counts',
      '5:1 warning not-honoured weights make a round of 131069 turns - they are rounded so that it has 65536; use weights with a common divisor',
    ],
    [
      service('sh-port'),
      '5:1 warning adjusted Virtual server 10.0.0.1:80/tcp: sh-port only applies to sh scheduler - ignoring',
    ],
    [
      service('ops'),
      '5:1 warning adjusted Virtual server 10.0.0.1:80/tcp: one packet scheduling requires UDP - resetting',
    ],
    [
      service('quorum 5\nhysteresis 9'),
      '5:1 warning not-honoured quorum is not honoured yet',
      '5:1 warning adjusted Virtual server 10.0.0.1:80/tcp: quorum 5 exceeds total weight of real servers 1, reducing quorum to 1',
      '6:1 warning not-honoured hysteresis is not honoured yet',
      '6:1 warning adjusted Virtual server 10.0.0.1:80/tcp: hysteresis 9 >= quorum 1; setting hysteresis to 0',
    ],
    [
      service(
        'real_server 10.0.0.72 81 {\n}\nreal_server 10.0.0.71 80 {\n}\nreal_server 2001:db8::1 80 {\n}',
      ),
      "5:23 warning adjusted virtual server 10.0.0.1:80/tcp and real server 10.0.0.72:81 ports don't match - resetting",
      "9:1 error conflict Address family of virtual server 10.0.0.1:80/tcp and real server 2001:db8::1 don't match - skipping real server.",
      '11:1 warning duplicate VS 10.0.0.1:80/tcp: real server 10.0.0.71:80 is duplicated - removing second rs',
    ],
    [
      service('sorry_server 10.0.0.9 81'),
      '5:1 warning not-honoured sorry_server is not honoured yet',
      "5:1 warning adjusted virtual server 10.0.0.1:80/tcp and sorry server ports don't match - resetting",
    ],
    [
      service('sorry_server 2001:db8::1'),
      '5:1 warning not-honoured sorry_server is not honoured yet',
      "5:1 error conflict Address family of virtual server 10.0.0.1:80/tcp and sorry server 2001:db8::1 don't match - skipping sorry server.",
    ],
    [
      service('sorry_server 10.0.0.9 80 x'),
      '5:1 warning not-honoured sorry_server is not honoured yet',
      '5:26 warning extra-words more words than sorry_server takes - ignoring the rest of the line',
    ],
    [
      service('').replace(' 80 {', ' {'),
      '1:1 warning adjusted Virtual server 10.0.0.1:0/tcp: zero port only valid for persistent services - setting',
      "6:23 warning adjusted virtual server 10.0.0.1:0/tcp and real server 10.0.0.71:80 ports don't match - resetting",
    ],
    [service('').replace('10.0.0.1', '2001:db8::1').replace('10.0.0.71', '2001:db8::71')],
    [service('').replace('TCP', 'SCTP')],
    [`${service('')}\n${service('')}`, '10:1 error duplicate virtual server 10.0.0.1:80/tcp already defined'],
    [
      service('', 'HTTP_GET {\n}\nSSL_GET {\nurl {\n}\n}\nMISC_CHECK {\n}'),
      '7:1 warning not-honoured HTTP_GET is not honoured yet',
      '7:1 error incomplete HTTP_GET: HTTP/SSL_GET checker has no urls specified - ignoring',
      '9:1 warning not-honoured SSL_GET is not honoured yet',
      '9:1 error incomplete SSL_GET: HTTP/SSL_GET checker has no urls specified - ignoring',
      '10:1 error incomplete url: HTTP/SSL_GET checker url has no path - ignoring',
      '13:1 warning not-honoured MISC_CHECK is not honoured yet',
      '13:1 error incomplete MISC_CHECK: No script path has been specified - skipping',
    ],
    [
      'virtual_server_group g {\n10.0.0.300\n10.0.0.9-5\n10.0.0.1/24\n}',
      '1:1 error incomplete virtual server group g has no entries - removing',
      '2:1 error invalid-value Invalid virtual server group IP address 10.0.0.300 - skipping',
      '3:1 error invalid-value Address range end is less than address range start - 10.0.0.9-10.0.0.5 - skipping',
      '4:1 error invalid-value Invalid virtual server group IP address 10.0.0.1/24 - skipping',
    ],
    [
      'virtual_server_group g {\n10.0.0.1-2001:db8::1\n}',
      '1:1 error incomplete virtual server group g has no entries - removing',
      '2:1 error invalid-value Invalid virtual server group IP address 10.0.0.1-2001:db8::1 - skipping',
    ],
  ]
  for (const [text, ...expected] of cases) t.same(said(text).sort(), [...expected].sort(), expected[0] ?? '')
  t.end()
})

t.test('what is said wrongly keeps its default, and the rest is used', t => {
  const checks = 'TCP_CHECK {\nconnect_port 0\n}\nHTTP_GET {\nurl {\npath /\nstatus_code 0\n}\n}'
  const text = service('delay_loop x\nquorum 0\nlb_algo xx\nweight 3', `weight -1\n${checks}`)
  t.match(parseConfig(text).config.virtualServers, [
    {
      delayLoopSeconds: 60,
      quorum: 1,
      scheduler: 'rr',
      realServers: [
        { weight: 3, checks: [{ connectPort: 80 }, { urls: [{ statusCodes: [{ from: 200, to: 299 }] }] }] },
      ],
    },
  ])
  t.end()
})

t.test('a password is in the configuration and in no message', t => {
  const texts = [
    'authentication {\nauth_type PASS\nauth_pass hunter2hunter2\n}',
    'authentication {\nauth_type PASS\nauth_pass hunter2 hunter2\n}',
    'authentication {\nauth_type PASS\nauth_pass "hunter2\n}',
    'authentication {\nauth_type PASS\nauth_pass\nhunter2\n}',
    'authentication {\nauth_type PASS\nhunter2 {\n}\n}',
    'authentication\nauth_type PASS\nauth_pass hunter2\nauth_pass hunter2\n}',
  ]
  for (const text of texts) t.notMatch(said(instance(text)).join('\n'), /hunter2/, text)
  const { config } = parseConfig(instance('authentication {\nauth_type PASS\nauth_pass hunter2\n}'))
  t.match(config.vrrpInstances, [{ authentication: { password: 'hunter2' } }])
  t.match(printConfig(config), 'auth_pass hunter2')
  t.notMatch(printConfig(config, { redact: true }), /hunter2/)
  t.end()
})
