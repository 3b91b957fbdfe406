import t from 'tap'
import { claimPackets, ROOM } from '../../lib/config/claims.js'
import { parseConfig, runnableServices } from '../../lib/config/index.js'
import { mostRealServers } from '../../lib/config/runnable.js'
import { limit } from '../../lib/dataplane/layout.gen.js'
import { MAGLEV_PLACES } from '../../lib/dataplane/schedulers/maglev.js'
import { said, service } from './examples.js'

/** A service of a group or a mark without a fault; its head stands in line 1. */
function serviceOf(head: string, { lines = '', real = '10.0.0.71' } = {}): string {
  return `virtual_server ${head} {
lb_algo rr
lb_kind DR
${lines}
real_server ${real} {
}
}`
}

/** What packets each service gets: its label, and its matches in short. */
function claimed(text: string): string[][] {
  return claimPackets(parseConfig(text).config).map(({ matches }) =>
    matches.map(({ vip, protocol, ports, mark }) => {
      const range = ports === 'all' ? 'all' : `${ports.first}-${ports.last}`
      return `${vip} ${protocol} ${range}${mark === undefined ? '' : ` mark ${mark}`}`
    }),
  )
}

t.test('a service gets the packets of its address, its mark, or all of its group', t => {
  t.same(claimed(service('')), [['10.0.0.1 tcp 80-80']])
  const group = `virtual_server_group g {
10.0.0.1 80
10.0.0.254-10.0.1.1 81
2001:db8::8/127
fwmark 5
}
`
  const tunnels = 'protocol TCP\nlb_kind TUN'
  const marks = `
xdplb {
mark 5 {
address 10.0.0.5 protocol udp port 53-54
address 10.0.0.6
address 2001:db8::5
}
}`
  const own = group.replace('2001:db8::8/127\n', '')
  t.same(claimed(`${own}${serviceOf('group g', { lines: 'protocol TCP' })}${marks}`), [
    [
      '10.0.0.1 tcp 80-80',
      '10.0.0.254 tcp 81-81',
      '10.0.0.255 tcp 81-81',
      '10.0.1.0 tcp 81-81',
      '10.0.1.1 tcp 81-81',
      '10.0.0.5 udp 53-54 mark 5',
      '10.0.0.6 tcp all mark 5',
      '10.0.0.6 udp all mark 5',
      '10.0.0.6 sctp all mark 5',
    ],
  ])
  const both = group.replace('fwmark 5', 'fwmark 5 inet6').replaceAll(/^10.*$/gm, '10.0.0.1')
  t.same(
    claimed(`${both}${serviceOf('group g', { lines: tunnels })}${marks}`),
    [
      [
        '10.0.0.1 tcp all',
        '2001:db8::8 tcp all',
        '2001:db8::9 tcp all',
        '2001:db8::5 tcp all mark 5',
        '2001:db8::5 udp all mark 5',
        '2001:db8::5 sctp all mark 5',
      ],
    ],
    'tunnels lead from both families to one',
  )
  t.same(claimed(serviceOf('fwmark 5 ', { lines: 'ip_family inet6', real: '2001:db8::71' }) + marks), [
    ['2001:db8::5 tcp all mark 5', '2001:db8::5 udp all mark 5', '2001:db8::5 sctp all mark 5'],
  ])
  t.end()
})

t.test('what is wrong with groups and marks has its place', t => {
  const g = (lines: string) => `\nvirtual_server_group g {\n${lines}\n}`
  const marks = (...rules: string[]) =>
    `\nxdplb {\n${rules.map((rule, index) => `mark ${index + 5} {\n${rule}\n}`).join('\n')}\n}`
  const tcp = { lines: 'protocol TCP' }
  const hint = 'say which have it in xdplb { mark N { … } }'
  const cases: [text: string, ...said: string[]][] = [
    [
      serviceOf('group g', tcp),
      '1:22 error incomplete Virtual server group g specified but not configured - ignoring virtual server group g/tcp',
    ],
    [
      serviceOf('group g', tcp) + g('10.0.0.1 80\n2001:db8::1 80'),
      "1:1 error conflict g: virtual server group with IPv4 & IPv6 doesn't match virtual server group g/tcp - ignoring",
    ],
    [
      serviceOf('group g', tcp) + g('2001:db8::1 80'),
      "1:1 error conflict g: address family doesn't match virtual server group g/tcp - ignoring",
    ],
    [
      g('10.0.0.1 80\n2001:db8::1 80\nfwmark 5'),
      '2:1 error incomplete virtual server group g cannot have IPv4, IPv6 and fwmark without family - removing',
    ],
    [
      serviceOf('group g') + g('10.0.0.1 80'),
      '1:1 warning adjusted Virtual server group g/udp: no protocol set - defaulting to UDP',
    ],
    [
      serviceOf('group g', { ...tcp, real: '10.0.0.71 82' }) + g('10.0.0.1 80\n10.0.0.2 81'),
      "5:23 warning adjusted virtual server group g/tcp:[10.0.0.1,80] and real server 10.0.0.71:82 ports don't match - resetting",
    ],
    [
      serviceOf('group g', tcp) + g('fwmark 5') + marks('address 10.0.0.1 protocol tcp'),
      '4:1 warning not-honoured Virtual server group g/tcp: protocol specified for fwmark - protocol will be ignored',
    ],
    [
      serviceOf('group g', tcp) + g('10.0.0.1 80\n10.0.0.2'),
      '1:1 warning adjusted Virtual server group g/tcp: zero port only valid for persistent services - setting',
    ],
    [
      `${serviceOf('group g', tcp) + g('10.0.0.1 80\n10.0.0.2 80')}\n${service('')}`,
      '12:1 error conflict 10.0.0.1:80/tcp is of group g/tcp already - 10.0.0.1:80/tcp is not run',
    ],
    [
      `${service('')}\n${serviceOf('group g', tcp) + g('10.0.0.1 80\n10.0.0.2 80')}`,
      '10:1 error conflict 10.0.0.1:80/tcp is of 10.0.0.1:80/tcp already - ignoring',
    ],
    [
      serviceOf('group g', tcp) + g('10.0.0.0/20 80'),
      '1:1 error not-run 10.0.0.0-10.0.15.255 is too wide: 2048 addresses are the most - group g/tcp is not run',
    ],
    [
      serviceOf('group g', tcp) + g('10.0.0.0/22 80\n10.1.0.0/22 80\n10.2.0.0/22 80'),
      '1:1 error not-run 10.2.0.0:80/tcp is one too many: 2048 addresses are the most - ignoring',
    ],
    [
      serviceOf('group g', tcp) +
        g(Array.from({ length: 9 }, (_, i) => `10.0.0.0/22 ${8000 + i}`).join('\n')),
      '1:1 error not-run 10.0.0.0:8008/tcp is one too many: 8192 ports are the most - ignoring',
    ],

    [serviceOf('fwmark 5'), `1:1 warning not-run no packets have mark 5 - fwmark 5 is not run; ${hint}`],
    [
      serviceOf('fwmark 5') + marks('address 2001:db8::1'),
      `1:1 warning not-run no packets have mark 5 - fwmark 5 is not run; ${hint}`,
    ],
    [
      serviceOf('fwmark 5', { ...tcp, real: '10.0.0.71 80' }) + marks('address 10.0.0.1'),
      '4:1 warning adjusted Virtual server fwmark 5: protocol specified for fwmark - protocol will be ignored',
      '5:23 warning adjusted virtual server fwmark 5, real server 10.0.0.71:80 has port specified - clearing',
    ],
    [
      `${serviceOf('fwmark 5')}\n${serviceOf('fwmark 5', { real: '2001:db8::71' })}` +
        marks('address 10.0.0.1\naddress 2001:db8::1'),
    ],
    [
      `${serviceOf('fwmark 5')}\n${serviceOf('group g')}${g('fwmark 5')}${marks('address 10.0.0.1 port 80')}`,
      '8:1 error conflict mark 5 of 10.0.0.1:80/tcp is of fwmark 5 already - group g/udp is not run',
    ],
    [
      serviceOf('fwmark 5') +
        marks(Array.from({ length: 6 }, (_, i) => `address 10.0.0.1 port ${i + 1}-${i + 1}`).join('\n')),
      '1:1 error not-run mark 5 of 10.0.0.1:6/udp is one too many: 16 marked ranges of ports of one address are the most - ignoring',
    ],

    [
      marks('address'),
      '4:1 error missing-parameter Configuration line starting `address` is missing a parameter after keyword `address` at word position 2',
      '3:1 error incomplete mark 5 has no addresses - removing',
    ],
    [
      marks('address 10.0.0.1', 'address 10.0.0.300\naddress 10.0.0.9-5\naddress 10.0.0.1-2001:db8::1'),
      '6:1 error incomplete mark 6 has no addresses - removing',
      '7:9 error invalid-value address: Invalid IP address 10.0.0.300 - skipping',
      '8:9 error invalid-value Address range end is less than address range start - 10.0.0.9-10.0.0.5 - skipping',
      '9:9 error invalid-value address: Invalid IP address 10.0.0.1-2001:db8::1 - skipping',
    ],
    [
      marks('address 10.0.0.1 protocol icmp port 443-80\naddress 10.0.0.2 port 0'),
      "4:27 error invalid-value protocol: unknown value 'icmp', expected TCP, UDP, SCTP - ignoring",
      '4:37 error invalid-value port: Port range end is less than port range start - 443-80 - ignoring',
      "5:23 error invalid-value port: number '0' outside range [1, 65535] - ignoring",
    ],
    [
      marks(
        'address 10.0.0.1-9 protocol tcp port 80-443',
        'address 10.0.0.9 port 443\naddress 10.0.0.9 port 444\naddress 10.0.0.9 protocol udp port 80',
      ),
      '7:9 error conflict packets to 10.0.0.9 have mark 5 already - skipping',
    ],
    [
      `${marks('address 10.0.0.1').slice(0, -2)}\nmark 5 {\naddress 10.0.0.2\n}\n}`,
      '6:1 error duplicate mark 5 already defined',
    ],
    [
      'xdplb {\nmark 0 {\n}\n}',
      "2:6 error invalid-value mark: number '0' outside range [1, 4294967295] - skipping",
    ],
    [
      'xdplb {\nmark 1 {\nadress 10.0.0.1\n}\n}',
      '2:1 error incomplete mark 1 has no addresses - removing',
      "3:1 error unknown-keyword Unknown keyword 'adress' in mark; did you mean 'address'?",
    ],
  ]
  for (const [text, ...expected] of cases) t.same(said(text).sort(), [...expected].sort(), expected[0] ?? '')
  t.end()
})

t.test('room is what the tables of the data plane have', t => {
  t.equal(ROOM.addresses, limit.vips / 4)
  t.ok(ROOM.ports <= (limit.service_buckets * limit.ways) / 2)
  t.end()
})

t.test('a service with more real servers than its scheduler has room for is not run', t => {
  const reals = Array.from({ length: limit.steps + 1 }, (_, i) => `10.1.${i >> 8}.${i & 255}`)
  const text = service('').replace(
    /real_server[^}]*\}/,
    reals.map(real => `real_server ${real} 80 {\n}`).join('\n'),
  )
  const [first, ...others] = said(text)
  t.equal(
    first,
    '3:1 error not-run 4097 real servers, expected at most 4096 with rr - 10.0.0.1:80/tcp is not run; use wrr',
  )
  t.same(others, [])
  t.same(runnableServices(parseConfig(text).config), [])
  t.match(runnableServices(parseConfig(text.replace('rr', 'wrr')).config), { length: 1 })
  t.same(
    [mostRealServers('rr'), mostRealServers('mh')],
    [limit.steps, MAGLEV_PLACES],
    'as the data plane has it',
  )
  t.end()
})
