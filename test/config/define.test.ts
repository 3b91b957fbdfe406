import t from 'tap'
import {
  type ConfigInput,
  defineConfig,
  formatDiagnostic,
  parseConfig,
  validateConfig,
} from '../../lib/config/index.js'

const input = {
  vrrpInstances: [
    {
      name: 'external',
      interface: 'eth0',
      virtualRouterId: 51,
      virtualAddresses: [{ address: '10.0.0.1', prefixLength: 24 }],
    },
  ],
  virtualServers: [
    {
      address: '10.0.0.1',
      port: 80,
      protocol: 'tcp',
      scheduler: 'rr',
      forwarding: { method: 'dr' },
      persistenceTimeoutSeconds: 7200,
      realServers: [
        { address: '10.0.0.71', checks: [{ type: 'tcp', connectTimeoutSeconds: 2 }] },
        { address: '10.0.0.72', port: 80, weight: 2 },
      ],
    },
  ],
} as const satisfies ConfigInput

const same = `
vrrp_instance external {
  interface eth0
  virtual_router_id 51
  virtual_ipaddress {
    10.0.0.1/24
  }
}
virtual_server 10.0.0.1 80 {
  protocol TCP
  lb_algo rr
  lb_kind DR
  persistence_timeout 7200
  real_server 10.0.0.71 {
    TCP_CHECK {
      connect_timeout 2
    }
  }
  real_server 10.0.0.72 80 {
    weight 2
  }
}`

/** What is wrong with an input that need not have the right type. */
function said(input: object): string[] {
  return validateConfig(input).diagnostics.map(formatDiagnostic)
}

t.test('an object says what a file says', t => {
  t.strictSame(defineConfig(input), parseConfig(same).config)
  t.same(said(input), [])
  t.end()
})

t.test('a configuration that was read is one that can be written', t => {
  const { config } = parseConfig(same)
  t.strictSame(validateConfig(config), { config, diagnostics: [] })
  t.strictSame(defineConfig({}), parseConfig('').config)
  t.end()
})

t.test('a fault has the path of its option, what was found and what was expected', t => {
  const [service] = input.virtualServers
  const [first, second] = service.realServers
  const withReal = (real: object) => ({
    virtualServers: [{ ...service, realServers: [first, { ...second, ...real }] }],
  })
  const cases: [input: object, ...said: string[]][] = [
    [withReal({ port: 70000 }), 'virtualServers[0].realServers[1].port: error: 70000, expected 0..65535'],
    [
      withReal({ weight: '2' }),
      "virtualServers[0].realServers[1].weight: error: '2', expected 0..2147483647",
    ],
    [
      withReal({ weight: 1.5 }),
      'virtualServers[0].realServers[1].weight: error: 1.5, expected 0..2147483647',
    ],
    [
      withReal({ address: '10.0.0.300' }),
      "virtualServers[0].realServers[1].address: error: '10.0.0.300', expected an IPv4 or IPv6 address",
    ],
    [
      withReal({ wieght: 2 }),
      "virtualServers[0].realServers[1].wieght: error: unknown option; did you mean 'weight'?",
    ],
    [withReal({ toString: 2 }), 'virtualServers[0].realServers[1].toString: error: unknown option'],
    [
      withReal({ connectTimeoutSeconds: 0 }),
      'virtualServers[0].realServers[1].connectTimeoutSeconds: error: 0, expected 0.000001..4294 seconds, at most 6 decimals',
    ],
    [withReal({ checks: {} }), 'virtualServers[0].realServers[1].checks: error: {}, expected a list'],
    [
      withReal({ checks: [{ type: 'tpc' }] }),
      "virtualServers[0].realServers[1].checks[0].type: error: 'tpc', expected 'tcp' or 'http' or 'ssl' or 'smtp' or 'dns' or 'udp' or 'ping' or 'misc'",
    ],
    [
      withReal({ checks: [{ type: 'misc', argv: ['/bin/x'] }] }),
      'virtualServers[0].realServers[1].checks[0]: warning: MISC_CHECK is not honoured yet',
    ],
    [
      withReal({ virtualHost: 'www' }),
      'virtualServers[0].realServers[1].virtualHost: warning: not honoured yet',
    ],
    [
      withReal({ port: 81 }),
      "virtualServers[0].realServers[1].port: warning: virtual server 10.0.0.1:80/tcp and real server 10.0.0.72:81 ports don't match - resetting",
    ],
    [
      { virtualServers: [{ ...service, protocol: 'TCP' }] },
      "virtualServers[0].protocol: error: 'TCP', expected 'tcp' or 'udp' or 'sctp'",
    ],
    [
      { virtualServers: [{ ...service, onePacket: 'no' }] },
      "virtualServers[0].onePacket: error: 'no', expected true or false",
    ],
    [
      { virtualServers: [{ ...service, group: 'g' }] },
      'virtualServers[0]: error: virtual_server: expected one of address, fwmark and group - skipping',
    ],
    [{ virtualServers: 7 }, 'virtualServers: error: 7, expected a list'],
    [{ virtualServers: [7] }, 'virtualServers[0]: error: 7, expected an object'],
    [{ vrrpInstances: [{ virtualRouterId: 1 }] }, 'vrrpInstances[0]: error: vrrp_instance: no name'],
    [
      {
        vrrpInstances: [
          { ...input.vrrpInstances[0], virtualAddresses: [{ address: '10.0.0.1', prefixLength: 33 }] },
        ],
      },
      'vrrpInstances[0].virtualAddresses[0].prefixLength: error: 33, expected 0..32',
      'vrrpInstances[0].virtualAddresses: warning: (external) No VIP specified; at least one is sensible',
    ],
    [
      { global: { routerId: 'a"b' } },
      "global.routerId: error: 'a\"b', expected a text of 1..255 characters without quotes, control characters or a final backslash",
    ],
    [{ xdplb: { maxFlows: 1 } }, 'xdplb.maxFlows: error: 1, expected 1024..16777216'],
    [{ xdplb: null }, 'xdplb: error: null, expected an object'],
  ]
  for (const [input, ...expected] of cases) t.same(said(input), expected, expected.join(', '))
  t.end()
})

t.test('passwords are not repeated', t => {
  const withAuthentication = (authentication: unknown) => ({
    vrrpInstances: [{ ...input.vrrpInstances[0], authentication }],
  })
  for (const wrong of [
    { type: 'PASS', password: 'hunter2hunter2' },
    { type: 'PASS', password: ['hunter2'] },
    'hunter2',
  ]) {
    const messages = said(withAuthentication(wrong))
    t.not(messages.length, 0)
    t.notMatch(messages.join('\n'), /hunter2/)
  }
  t.end()
})

t.test('a program that wants it right gets an error with all that is wrong, warnings apart', t => {
  t.throws(() => defineConfig({ ...input, global: { routerId: '' }, xdplb: { maxFlows: 1 } }), {
    code: 'CONFIG',
    message: `define configuration: 2 errors
global.routerId: error: '', expected a text of 1..255 characters without quotes, control characters or a final backslash
xdplb.maxFlows: error: 1, expected 1024..16777216`,
  })
  t.doesNotThrow(
    () => defineConfig({ ...input, global: { routerId: 'a' } }),
    'what is only not honoured yet may be said',
  )
  t.end()
})

t.test('whatever is given for a configuration, the answer is no exception', t => {
  const odd: unknown[] = [undefined, null, 1, 'x', [], () => 1, Symbol('x'), 10n, new Date(), Number.NaN]
  const loop: Record<string, unknown> = {}
  loop.virtualServers = [loop]
  for (const value of [...odd, loop]) {
    t.doesNotThrow(() => Reflect.apply(validateConfig, undefined, [value]))
    t.doesNotThrow(() => said({ global: value, vrrpInstances: [value], virtualServers: value }))
    t.doesNotThrow(() =>
      said({ virtualServers: [{ address: value, realServers: [{ port: value, checks: [value] }] }] }),
    )
  }
  t.end()
})
