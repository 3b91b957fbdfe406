import { readFileSync } from 'node:fs'
import t from 'tap'
import { keywordTable, neighboursOf, parseConfig, runnableServices } from '../../lib/config/index.js'
import { service } from './examples.js'

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')
const seed = (name: string) => fixture(`seed/${name}.conf`)

const tuning = {
  maxFlows: 262144,
  maxTemplates: 262144,
  maxFragments: 16384,
  expireNodestConn: false,
  expireQuiescentTemplate: false,
  connReuseMode: 1,
  sloppyTcp: false,
  sloppySctp: false,
  backupOnly: true,
  marks: [],
}

const seedReal = (address: string) => ({
  address,
  port: 80,
  weight: 1,
  forwarding: { method: 'dr' },
  inhibitOnFailure: false,
  alpha: false,
  connectTimeoutSeconds: 5,
  delayLoopSeconds: 10,
  upperThreshold: 0,
  lowerThreshold: 0,
  smtpAlert: true,
  checks: [
    {
      type: 'tcp',
      connectAddress: address,
      connectPort: 80,
      connectTimeoutSeconds: 5,
      fwmark: 0,
      delayLoopSeconds: 10,
      retry: 1,
      delayBeforeRetrySeconds: 1,
      warmupSeconds: 10,
      alpha: false,
      logAllFailures: false,
    },
  ],
})

const seedConfig = (from: string, state: string, priority: number) => ({
  global: {
    notificationEmail: ['root@mydomain.com'],
    notificationEmailFrom: from,
    smtpServer: { host: 'localhost', port: 25 },
    smtpConnectTimeoutSeconds: 30,
    defaultInterface: 'eth0',
    vrrpVersion: 2,
    vrrpGarpMasterDelaySeconds: 5,
    vrrpGarpMasterRepeat: 5,
    vrrpGarpMasterRefreshSeconds: 0,
    vrrpGarpMasterRefreshRepeat: 1,
    vrrpGarpLowerPrioDelaySeconds: 5,
    vrrpGarpLowerPrioRepeat: 5,
    vrrpStrict: false,
    vrrpSkipCheckAdvAddr: false,
    enableScriptSecurity: false,
  },
  vrrpScripts: [],
  vrrpInstances: [
    {
      name: 'external',
      state,
      interface: 'enp0s8',
      virtualRouterId: 91,
      priority,
      advertIntervalSeconds: 1,
      version: 2,
      authentication: { type: 'PASS', password: '1215' },
      virtualAddresses: [
        {
          address: '10.0.0.1',
          prefixLength: 24,
          home: false,
          noDad: false,
          manageTemporary: false,
          noPrefixRoute: false,
          autoJoin: false,
          noTrack: false,
          useVmac: false,
        },
      ],
      excludedAddresses: [],
      preempt: true,
      preemptDelaySeconds: 0,
      unicastPeers: [],
      garpMasterDelaySeconds: 5,
      garpMasterRepeat: 5,
      garpMasterRefreshSeconds: 0,
      garpMasterRefreshRepeat: 1,
      garpLowerPrioDelaySeconds: 5,
      garpLowerPrioRepeat: 5,
      trackInterfaces: [],
      trackScripts: [],
      smtpAlert: false,
    },
  ],
  vrrpSyncGroups: [],
  virtualServerGroups: [],
  virtualServers: [
    {
      address: '10.0.0.1',
      port: 80,
      protocol: 'tcp',
      scheduler: 'rr',
      schedulerFlags: [],
      onePacket: false,
      forwarding: { method: 'dr' },
      persistenceTimeoutSeconds: 7200,
      delayLoopSeconds: 10,
      connectTimeoutSeconds: 5,
      inhibitOnFailure: false,
      alpha: false,
      omega: false,
      quorum: 1,
      hysteresis: 0,
      weight: 1,
      haSuspend: false,
      smtpAlert: false,
      sorryServerInhibit: false,
      sorryServerForwarding: { method: 'dr' },
      realServers: [seedReal('10.0.0.71'), seedReal('10.0.0.72')],
    },
  ],
  xdplb: tuning,
})

t.test('both files of the pair are understood whole, without a word', t => {
  t.strictSame(parseConfig(seed('master')), {
    config: seedConfig('svr1@mydomain.com', 'MASTER', 200),
    diagnostics: [],
  })
  t.strictSame(parseConfig(seed('backup')), {
    config: seedConfig('svr2@mydomain.com', 'BACKUP', 100),
    diagnostics: [],
  })
  t.end()
})

t.test('every keyword of the pair is honoured, and these are all', t => {
  const honoured = keywordTable()
    .filter(({ honoured }) => honoured)
    .map(({ block, keyword }) => `${block} ${keyword}`.trim())
  t.same(honoured.sort(), [
    'TCP_CHECK alpha',
    'TCP_CHECK bind_port',
    'TCP_CHECK bindto',
    'TCP_CHECK connect_ip',
    'TCP_CHECK connect_port',
    'TCP_CHECK connect_timeout',
    'TCP_CHECK delay_before_retry',
    'TCP_CHECK delay_loop',
    'TCP_CHECK log_all_failures',
    'TCP_CHECK retry',
    'TCP_CHECK warmup',
    'authentication auth_pass',
    'authentication auth_type',
    'global_defs',
    'global_defs default_interface',
    'global_defs lvs_timeouts',
    'global_defs notification_email',
    'global_defs notification_email_from',
    'global_defs router_id',
    'global_defs smtp_alert',
    'global_defs smtp_alert_checker',
    'global_defs smtp_alert_vrrp',
    'global_defs smtp_connect_timeout',
    'global_defs smtp_helo_name',
    'global_defs smtp_server',
    'global_defs vrrp_garp_lower_prio_delay',
    'global_defs vrrp_garp_lower_prio_repeat',
    'global_defs vrrp_garp_master_delay',
    'global_defs vrrp_garp_master_refresh',
    'global_defs vrrp_garp_master_refresh_repeat',
    'global_defs vrrp_garp_master_repeat',
    'global_defs vrrp_skip_check_adv_addr',
    'mark address',
    'real_server TCP_CHECK',
    'real_server alpha',
    'real_server connect_timeout',
    'real_server delay_before_retry',
    'real_server delay_loop',
    'real_server inhibit_on_failure',
    'real_server lthreshold',
    'real_server lvs_method',
    'real_server retry',
    'real_server smtp_alert',
    'real_server uthreshold',
    'real_server warmup',
    'real_server weight',
    'virtual_ipaddress dev',
    'virtual_server',
    'virtual_server alpha',
    'virtual_server connect_timeout',
    'virtual_server delay_before_retry',
    'virtual_server delay_loop',
    'virtual_server flag-1',
    'virtual_server flag-2',
    'virtual_server flag-3',
    'virtual_server inhibit_on_failure',
    'virtual_server ip_family',
    'virtual_server lb_algo',
    'virtual_server lb_kind',
    'virtual_server lvs_method',
    'virtual_server lvs_sched',
    'virtual_server mh-fallback',
    'virtual_server mh-port',
    'virtual_server ops',
    'virtual_server persistence_granularity',
    'virtual_server persistence_timeout',
    'virtual_server protocol',
    'virtual_server real_server',
    'virtual_server retry',
    'virtual_server sh-fallback',
    'virtual_server sh-port',
    'virtual_server warmup',
    'virtual_server weight',
    'virtual_server_group',
    'vrrp_instance',
    'vrrp_instance advert_int',
    'vrrp_instance authentication',
    'vrrp_instance garp_lower_prio_delay',
    'vrrp_instance garp_lower_prio_repeat',
    'vrrp_instance garp_master_delay',
    'vrrp_instance garp_master_refresh',
    'vrrp_instance garp_master_refresh_repeat',
    'vrrp_instance garp_master_repeat',
    'vrrp_instance interface',
    'vrrp_instance nopreempt',
    'vrrp_instance preempt',
    'vrrp_instance preempt_delay',
    'vrrp_instance priority',
    'vrrp_instance smtp_alert',
    'vrrp_instance state',
    'vrrp_instance unicast_peer',
    'vrrp_instance unicast_src_ip',
    'vrrp_instance virtual_ipaddress',
    'vrrp_instance virtual_ipaddress_excluded',
    'vrrp_instance virtual_router_id',
    'xdplb',
    'xdplb backup_only',
    'xdplb conn_reuse_mode',
    'xdplb expire_nodest_conn',
    'xdplb expire_quiescent_template',
    'xdplb mark',
    'xdplb max_flows',
    'xdplb max_fragments',
    'xdplb max_templates',
    'xdplb sloppy_sctp',
    'xdplb sloppy_tcp',
  ])
  t.end()
})

t.test('every keyword of keepalived is known in its block', t => {
  const known = new Set(keywordTable().map(({ block, keyword }) => `${block} ${keyword}`.trim()))
  const keepalived = fixture('keepalived-keywords.txt')
    .split('\n')
    .filter(line => /^\w/.test(line))
  t.equal(keepalived.length, 522)
  t.same(
    keepalived.filter(keyword => !known.has(keyword)),
    [],
  )
  t.end()
})

t.test('the words of virtual servers mean what they mean to keepalived', t => {
  const { virtualServers } = parseConfig(`
    virtual_server 10.0.0.1 80 {
      protocol tcp
      lvs_sched rr
      lvs_method DR
      persistence_granularity 255.255.255.0
      connect_timeout .5
      retry 2
      delay_loop 5.
      virtualhost www
      inhibit_on_failure
      quorum_up "/bin/up 'a b'" root :wheel
      real_server 10.0.0.71 80 {
        inhibit_on_failure off
        weight "+2"
        HTTP_GET {
          url {
            path /a
            digest 0123456789ABCDEF0123456789abcdef
            status_code 200 301-302
            status_code 404
          }
          url {
            path /b
            virtualhost other
          }
          retry 0
          warmup 1
        }
        DNS_CHECK {
        }
        MISC_CHECK {
          misc_path '/bin/check -p "80"'
          misc_dynamic
        }
        UDP_CHECK {
          payload 1 2a BC
          require_reply 4X xx
        }
        UDP_CHECK {
          require_reply
        }
      }
      real_server 10.0.0.72 {
      }
    }
    # the others inherit from it, although it stands behind them
    global_defs {
      smtp_alert
      smtp_alert_checker no
    }`).config
  t.match(virtualServers, [
    {
      protocol: 'tcp',
      persistenceTimeoutSeconds: 360,
      persistenceMask: '255.255.255.0',
      connectTimeoutSeconds: 0.5,
      delayLoopSeconds: 5,
      inhibitOnFailure: true,
      smtpAlert: false,
      quorumUp: { argv: ['/bin/up', 'a b'], user: 'root', group: ':wheel' },
      realServers: [
        {
          weight: 2,
          inhibitOnFailure: false,
          smtpAlert: false,
          checks: [
            {
              type: 'http',
              retry: 0,
              warmupSeconds: 1,
              delayBeforeRetrySeconds: 3,
              connectTimeoutSeconds: 0.5,
              virtualHost: 'www',
              urls: [
                {
                  path: '/a',
                  digest: '0123456789abcdef0123456789abcdef',
                  statusCodes: [
                    { from: 200, to: 200 },
                    { from: 301, to: 302 },
                    { from: 404, to: 404 },
                  ],
                  virtualHost: 'www',
                },
                { path: '/b', statusCodes: [{ from: 200, to: 299 }], virtualHost: 'other' },
              ],
            },
            { type: 'dns', retry: 2, delayBeforeRetrySeconds: 5, queryType: 'SOA', name: '.' },
            { type: 'misc', retry: 2, argv: ['/bin/check', '-p', '80'], dynamic: true, timeoutSeconds: 5 },
            { type: 'udp', payload: '012abc', reply: '4XXX' },
            { type: 'udp', reply: '' },
          ],
        },
        { port: 80, inhibitOnFailure: true, retry: 2 },
      ],
    },
  ])
  t.end()
})

t.test('the words of VRRP mean what they mean to keepalived', t => {
  const { vrrpInstances, vrrpScripts, vrrpSyncGroups } = parseConfig(`
    global_defs {
      vrrp_garp_master_repeat 3
      smtp_alert_vrrp
    }
    vrrp_instance A {
      state MASTER
      virtual_router_id 1
      virtual_ipaddress { 10.0.0.1
      }
      virtual_ipaddress {
        10.0.0.2/24 brd + dev eth1 label eth1:1 -nodad no_track
      }
      virtual_ipaddress_excluded {
        fe80::1
      }
      unicast_peer {
        10.0.0.12 min_ttl 254
      }
      track_interface {
        eth0 weight -5 reverse
        eth1
      }
      track_script {
        s weight 3 noreverse
        s
      }
    }
    vrrp_script s {
      script "/bin/s"
      interval 2.5
      weight -4 reverse
      user nobody
    }
    vrrp_sync_group G {
      group {
        A B
        C
      }
      notify /bin/n
    }`).config
  t.match(vrrpInstances, [
    {
      priority: 255,
      interface: 'eth0',
      garpMasterRepeat: 3,
      garpLowerPrioRepeat: 3,
      smtpAlert: true,
      virtualAddresses: [
        { address: '10.0.0.1', prefixLength: 32 },
        {
          address: '10.0.0.2',
          prefixLength: 24,
          broadcast: '+',
          device: 'eth1',
          label: 'eth1:1',
          noDad: true,
          noTrack: true,
          autoJoin: false,
        },
      ],
      excludedAddresses: [{ address: 'fe80::1', prefixLength: 128 }],
      unicastPeers: [{ address: '10.0.0.12', minTtl: 254 }],
      trackInterfaces: [
        { name: 'eth0', weight: { value: -5, reverse: true } },
        { name: 'eth1', weight: { value: 0 } },
      ],
      trackScripts: [{ name: 's', weight: { value: 3, reverse: false } }, { name: 's' }],
    },
  ])
  t.strictSame(vrrpScripts, [
    {
      name: 's',
      argv: ['/bin/s'],
      intervalSeconds: 2.5,
      timeoutSeconds: 2.5,
      weight: { value: -4, reverse: true },
      rise: 1,
      fall: 1,
      user: { user: 'nobody' },
      initFail: false,
    },
  ])
  t.match(vrrpSyncGroups, [{ instances: ['A', 'B', 'C'], notify: { argv: ['/bin/n'] }, smtpAlert: true }])
  t.end()
})

t.test('a group of virtual servers is a list of ranges and marks', t => {
  const { virtualServerGroups } = parseConfig(`
    virtual_server_group g {
      10.0.0.1 80
      10.0.0.2-9 80
      10.0.0.16/28
      2001:db8::2-f
      2001:db8::/126 53
      10.0.0.3-10.0.0.4
      fwmark 7 inet6
      fwmark 8 inet
    }`).config
  t.strictSame(virtualServerGroups, [
    {
      name: 'g',
      entries: [
        { first: '10.0.0.1', last: '10.0.0.1', port: 80 },
        { first: '10.0.0.2', last: '10.0.0.9', port: 80 },
        { first: '10.0.0.16', last: '10.0.0.31', port: 0 },
        { first: '2001:db8::2', last: '2001:db8::f', port: 0 },
        { first: '2001:db8::', last: '2001:db8::3', port: 53 },
        { first: '10.0.0.3', last: '10.0.0.4', port: 0 },
        { fwmark: 7, family: 'inet6', port: 0 },
        { fwmark: 8, family: 'inet', port: 0 },
      ],
    },
  ])
  t.end()
})

t.test('persistence is said in three ways, and absent otherwise', t => {
  const persistence = (text: string) => {
    const [first] = parseConfig(text).config.virtualServers
    return [first?.persistenceTimeoutSeconds, first?.persistenceMask]
  }
  t.same(persistence(service('')), [undefined, undefined])
  t.same(persistence(service('persistence_timeout 50')), [50, undefined])
  t.same(persistence(service('persistence_timeout')), [360, undefined])
  t.same(persistence(service('persistence_granularity 255.255.0.0')), [360, '255.255.0.0'])
  const ipv6 = service('persistence_granularity 48').replace('10.0.0.1', '2001:db8::1')
  t.same(persistence(ipv6.replace('10.0.0.71', '2001:db8::71')), [360, 'ffff:ffff:ffff::'])
  t.end()
})

t.test(
  'only services that packets can be sent to are run, and to the real servers that they can be sent to',
  t => {
    const names = (text: string) =>
      runnableServices(parseConfig(text).config).map(({ address, port, protocol, realServers }) => [
        address,
        port,
        protocol,
        ...realServers.map(real => real.address),
      ])
    t.same(names(seed('master')), [['10.0.0.1', 80, 'tcp', '10.0.0.71', '10.0.0.72']])
    const runs = [['10.0.0.1', 80, 'tcp', '10.0.0.71']]
    t.same(names(service('real_server 10.0.0.72 80 {\nlvs_method NAT\n}')), runs)
    t.same(names(service('lb_kind NAT', 'lvs_method DR')), runs, 'the real server says how packets get to it')
    t.same(names(service('lb_algo wlc')), runs, 'another scheduler runs as rr')
    const mark = '\nxdplb {\nmark 1 {\naddress 10.0.0.1\n}\n}'
    const ran = {
      SCTP: service('protocol SCTP'),
      marks: service('').replace('10.0.0.1 80', 'fwmark 1') + mark,
      groups: `${service('').replace('10.0.0.1 80', 'group g')}\nvirtual_server_group g {\n10.0.0.1 80\n}`,
      'all ports': service('').replace(' 80 {', ' {'),
      IPv6: service('').replace('10.0.0.1', '2001:db8::1').replace('10.0.0.71', '2001:db8::71'),
      tunnels: service('lb_kind TUN'),
      'tunnels of IPv6 for IPv4': service('lb_kind TUN').replace('10.0.0.71', '2001:db8::71'),
    }
    for (const [what, text] of Object.entries(ran)) t.equal(names(text).length, 1, what)
    const left = {
      NAT: service('lb_kind NAT'),
      'tunnels of UDP': service('lb_kind TUN type gue port 5555'),
      'marks of nothing': service('').replace('10.0.0.1 80', 'fwmark 1'),
      'groups of nothing': service('').replace('10.0.0.1 80', 'group g'),
    }
    for (const [what, text] of Object.entries(left)) t.same(names(text), [], what)
    t.end()
  },
)

t.test('real servers in tunnels are no neighbours', t => {
  const mixed = service('lb_kind TUN\nreal_server 10.0.0.72 80 {\nlvs_method DR\n}')
  t.same(neighboursOf(runnableServices(parseConfig(mixed).config)), ['10.0.0.72'])
  t.end()
})

t.test('xdplb has a block of its own', t => {
  const { xdplb } = parseConfig(`
    xdplb {
      max_flows 1048576
      max_fragments 1024
      expire_nodest_conn 1
      expire_quiescent_template 1
      conn_reuse_mode 2
      sloppy_tcp 1
      sloppy_sctp 1
      backup_only 0
      mark 5 {
        address 10.0.0.1-9 protocol tcp port 80-443
        address 10.0.1.0/24 port 53
        address 2001:db8::1
      }
    }`).config
  t.strictSame(xdplb, {
    maxFlows: 1048576,
    maxTemplates: 1048576,
    maxFragments: 1024,
    expireNodestConn: true,
    expireQuiescentTemplate: true,
    connReuseMode: 2,
    sloppyTcp: true,
    sloppySctp: true,
    backupOnly: false,
    marks: [
      {
        mark: 5,
        rules: [
          { first: '10.0.0.1', last: '10.0.0.9', protocol: 'tcp', ports: { first: 80, last: 443 } },
          { first: '10.0.1.0', last: '10.0.1.255', ports: { first: 53, last: 53 } },
          { first: '2001:db8::1', last: '2001:db8::1' },
        ],
      },
    ],
  })
  t.strictSame(parseConfig('').config.xdplb, tuning)
  t.end()
})

t.test('a thousand services of ten real servers are read in well under a second', t => {
  const real = (i: number) => `real_server 10.1.0.${i} 80 {\nweight 1\nTCP_CHECK {\nconnect_timeout 5\n}\n}`
  const reals = Array.from({ length: 10 }, (_, i) => real(i + 1)).join('\n')
  const one = (i: number) =>
    service(`persistence_timeout 7200\n${reals}`).replace('10.0.0.1', `10.2.${i >> 8}.${i & 255}`)
  const text = Array.from({ length: 1000 }, (_, i) => one(i)).join('\n')
  const before = process.cpuUsage()
  const { config, diagnostics } = parseConfig(text)
  const { user, system } = process.cpuUsage(before)
  t.same(diagnostics, [])
  t.equal(config.virtualServers.length, 1000)
  t.equal(config.virtualServers[999]?.realServers.length, 11)
  t.ok(user + system < 2_000_000, `${(user + system) / 1000} ms of CPU, with room for a busy machine`)
  t.end()
})
