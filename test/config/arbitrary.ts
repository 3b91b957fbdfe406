import fc, { type Arbitrary } from 'fast-check'
import type { ConfigInput, SchedulerFlag } from '../../lib/config/index.js'

/** Configurations as a program may write them: every field, within its bounds, present or absent. */
export const configInput: Arbitrary<ConfigInput> = fc.nat({ max: 1 }).chain(family => config(family === 0))

type Of<K extends keyof ConfigInput> = NonNullable<ConfigInput[K]> extends readonly (infer E)[] ? E : never

const ipv4 = fc.ipV4()
const ipv6 = fc.ipV6()
const port = fc.integer({ min: 1, max: 65535 })
const count = fc.integer({ min: 1, max: 4294967295 })
const mark = fc.oneof(fc.constantFrom(1, 2, 3), count)
const countOrNone = fc.integer({ min: 0, max: 4294967295 })
const word = fc.stringMatching(/^[\w.:/@-]{1,12}$/)
/** Everything that can be written in quotes. */
const text = fc
  .string({ minLength: 1, maxLength: 30, unit: 'binary' })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a line cannot hold
  .filter(value => !/["\x00-\x1f\x7f\ufeff]|\\$|\p{Surrogate}/u.test(value))
const device = fc.stringMatching(/^[a-z][a-z0-9.:-]{0,14}$/)
const seconds = fc.integer({ min: 1, max: 4_000_000_000 }).map(micros => micros / 1_000_000)
const milliseconds = fc.integer({ min: 1, max: 4_000_000 }).map(millis => millis / 1000)
const argument = fc.string({ unit: 'binary', maxLength: 12 }).filter(isArgument)
const argv = fc.array(argument, { minLength: 1, maxLength: 4 }).filter(([program]) => program !== '')

function isArgument(value: string): boolean {
  return !/[\0\ufeff]|\p{Surrogate}/u.test(value)
}

/** A record of which every field may be missing, except those of `required`. */
function partial<T>(model: { [K in keyof T]: Arbitrary<T[K]> }, ...requiredKeys: (keyof T)[]) {
  return fc.record(model, { requiredKeys })
}

const list = <T>(item: Arbitrary<T>) => fc.array(item, { maxLength: 3 })
const user = partial({ user: word, group: word }, 'user')
const script = partial({ argv, user: word, group: word }, 'argv').map(({ user, group, argv }) =>
  user === undefined ? { argv } : group === undefined ? { argv, user } : { argv, user, group },
)
const weight = partial({ value: fc.integer({ min: -253, max: 253 }), reverse: fc.boolean() }, 'value')

const notifies = {
  notifyMaster: script,
  notifyBackup: script,
  notifyFault: script,
  notifyStop: script,
  notify: script,
  smtpAlert: fc.boolean(),
  trackInterfaces: list(partial({ name: device, weight }, 'name')),
  trackScripts: list(partial({ name: word, weight }, 'name')),
}

function virtualAddress(isIpv4: boolean) {
  return partial(
    {
      address: isIpv4 ? ipv4 : ipv6,
      prefixLength: fc.integer({ min: 0, max: isIpv4 ? 32 : 128 }),
      broadcast: fc.oneof(fc.constantFrom('+', '-'), ipv4),
      device,
      scope: fc.constantFrom('host', 'link', '200'),
      label: device,
      peer: ipv4.map(address => `${address}/32`),
      home: fc.boolean(),
      noDad: fc.boolean(),
      manageTemporary: fc.boolean(),
      noPrefixRoute: fc.boolean(),
      autoJoin: fc.boolean(),
      noTrack: fc.boolean(),
      preferredLifetime: fc.constantFrom('forever', '100'),
      useVmac: fc.boolean(),
    },
    'address',
  )
}

function instance(isIpv4: boolean): Arbitrary<Of<'vrrpInstances'>> {
  return partial(
    {
      name: text,
      state: fc.constantFrom('MASTER', 'BACKUP'),
      interface: device,
      virtualRouterId: fc.integer({ min: 1, max: 255 }),
      priority: fc.oneof(fc.integer({ min: 1, max: 255 }), fc.constant(255)),
      advertIntervalSeconds: fc.integer({ min: 1, max: 25500 }).map(hundredths => hundredths / 100),
      version: fc.constantFrom(2, 3),
      authentication: fc.record({
        type: fc.constantFrom('PASS', 'AH'),
        password: text.filter(value => Buffer.byteLength(value) <= 8),
      }),
      virtualAddresses: list(virtualAddress(isIpv4)),
      excludedAddresses: list(virtualAddress(!isIpv4)),
      preempt: fc.boolean(),
      preemptDelaySeconds: milliseconds.filter(value => value <= 1000),
      unicastSource: isIpv4 ? ipv4 : ipv6,
      unicastPeers: list(
        partial(
          { address: ipv4, minTtl: fc.integer({ min: 0, max: 255 }), maxTtl: fc.constant(255) },
          'address',
        ),
      ),
      garpMasterDelaySeconds: fc.integer({ min: 0, max: 4294 }),
      garpMasterRepeat: count,
      garpMasterRefreshSeconds: countOrNone,
      garpMasterRefreshRepeat: count,
      garpLowerPrioDelaySeconds: fc.integer({ min: 0, max: 4294 }),
      garpLowerPrioRepeat: countOrNone,
      ...notifies,
    },
    'name',
    'virtualRouterId',
    'virtualAddresses',
  )
}

const commonCheck = {
  retry: countOrNone,
  delayBeforeRetrySeconds: seconds,
  warmupSeconds: seconds,
  delayLoopSeconds: seconds,
  alpha: fc.boolean(),
  logAllFailures: fc.boolean(),
}
const networkCheck = {
  ...commonCheck,
  connectAddress: fc.oneof(ipv4, ipv6),
  connectPort: port,
  bindAddress: ipv4,
  bindPort: port,
  bindInterface: device,
  connectTimeoutSeconds: seconds,
  fwmark: countOrNone,
}
const hex = fc.uint8Array({ minLength: 1, maxLength: 20 }).map(bytes => Buffer.from(bytes).toString('hex'))
const status = fc
  .tuple(fc.integer({ min: 100, max: 599 }), fc.integer({ min: 0, max: 99 }))
  .map(([from, more]) => ({ from, to: Math.min(599, from + more) }))
const url = partial(
  {
    path: text,
    digest: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('hex')),
    statusCodes: fc.array(status, { minLength: 1, maxLength: 3 }),
    virtualHost: text,
  },
  'path',
)

const check = fc.oneof(
  partial({ type: fc.constantFrom('tcp', 'ping'), ...networkCheck }, 'type'),
  partial(
    {
      type: fc.constantFrom('http', 'ssl'),
      ...networkCheck,
      httpProtocol: fc.constantFrom('1.0', '1.0C', '1.1'),
      virtualHost: text,
      enableSni: fc.boolean(),
      sniName: text,
      fastRecovery: fc.boolean(),
      urls: fc.array(url, { minLength: 1, maxLength: 2 }),
    },
    'type',
    'urls',
  ),
  partial({ type: fc.constant('smtp'), ...networkCheck, heloName: text }, 'type'),
  partial(
    { type: fc.constant('dns'), ...networkCheck, queryType: fc.constantFrom('A', 'TXT'), name: text },
    'type',
  ),
  partial(
    {
      type: fc.constant('udp'),
      ...networkCheck,
      payload: hex,
      reply: fc.constantFrom('', 'XX0a'),
      minReplyLength: port,
    },
    'type',
  ),
  partial(
    {
      type: fc.constant('misc'),
      ...commonCheck,
      argv,
      user,
      timeoutSeconds: fc.nat(4000),
      dynamic: fc.boolean(),
    },
    'type',
    'argv',
  ),
)

const forwarding = fc.oneof(
  fc.record({ method: fc.constantFrom('dr', 'nat') }),
  partial(
    {
      method: fc.constant('tun'),
      tunnelType: fc.constantFrom('ipip', 'gue', 'gre'),
      tunnelPort: port,
      tunnelChecksum: fc.constantFrom('nocsum', 'csum', 'remcsum'),
    },
    'method',
  ),
)

const checkDefaults = {
  connectTimeoutSeconds: seconds,
  retry: count,
  delayBeforeRetrySeconds: seconds,
  warmupSeconds: seconds,
  inhibitOnFailure: fc.boolean(),
  alpha: fc.boolean(),
  virtualHost: text,
  smtpAlert: fc.boolean(),
  delayLoopSeconds: seconds,
}

/** Few, so that there is often one that a service names. */
const groupName = fc.constantFrom('web', 'a group', 'ftp/tcp')

function service(isIpv4: boolean): Arbitrary<Of<'virtualServers'>> {
  const address = isIpv4 ? ipv4 : ipv6
  const real = partial(
    {
      address,
      port,
      weight: fc.nat(2147483647),
      forwarding,
      ...checkDefaults,
      upperThreshold: countOrNone,
      lowerThreshold: countOrNone,
      notifyUp: script,
      notifyDown: script,
      checks: list(check),
    },
    'address',
  )
  type Key = Pick<Of<'virtualServers'>, 'address' | 'port' | 'fwmark' | 'group'>
  const key: Arbitrary<Key> = fc.oneof(
    fc.record({ address, port: fc.nat(65535) }),
    fc.record({ fwmark: mark }),
    fc.record({ group: groupName }),
  )
  const rest = partial(
    {
      ipFamily: fc.constantFrom('inet', 'inet6'),
      protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
      scheduler: fc.constantFrom('rr', 'wlc', 'sh', 'mh'),
      schedulerFlags: fc.subarray<SchedulerFlag>(['flag-1', 'sh-port', 'sh-fallback', 'mh-port']),
      onePacket: fc.boolean(),
      forwarding,
      persistenceTimeoutSeconds: fc.integer({ min: 1, max: 2678400 }),
      persistenceMask: isIpv4 ? ipv4 : fc.constantFrom('ffff::', 'ffff:ffff:ffff:ff80::'),
      ...checkDefaults,
      omega: fc.boolean(),
      quorum: count,
      hysteresis: countOrNone,
      quorumUp: script,
      quorumDown: script,
      weight: fc.integer({ min: 1, max: 2147483647 }),
      haSuspend: fc.boolean(),
      sorryServer: fc.record({ address, port: fc.nat(65535) }),
      sorryServerInhibit: fc.boolean(),
      sorryServerForwarding: forwarding,
      realServers: fc.array(real, { minLength: 1, maxLength: 3 }),
    },
    'protocol',
    'scheduler',
    'forwarding',
    'realServers',
  )
  return fc.tuple(key, rest).map(([key, rest]) => ({ ...rest, ...key }))
}

const group = fc.record({
  name: groupName,
  entries: fc.array(
    fc.oneof(
      partial({ first: ipv4, port: fc.nat(65535) }, 'first'),
      fc.constant({ first: '2001:db8::2', last: '2001:db8::ff', port: 53 }),
      partial({ fwmark: mark, family: fc.constantFrom('inet', 'inet6') }, 'fwmark'),
    ),
    { minLength: 1, maxLength: 3 },
  ),
})

const ports = fc
  .tuple(port, fc.nat(1000))
  .map(([first, more]) => ({ first, last: Math.min(65535, first + more) }))
const entries = fc.integer({ min: 1024, max: 8388608 })
const tuning = partial({
  maxFlows: entries,
  maxTemplates: entries,
  maxFragments: fc.integer({ min: 256, max: 1048576 }),
  expireNodestConn: fc.boolean(),
  expireQuiescentTemplate: fc.boolean(),
  connReuseMode: fc.nat(3),
  sloppyTcp: fc.boolean(),
  sloppySctp: fc.boolean(),
  backupOnly: fc.boolean(),
  marks: list(
    fc.record({
      mark,
      rules: fc.array(
        partial(
          { first: fc.oneof(ipv4, ipv6), protocol: fc.constantFrom('tcp', 'udp', 'sctp'), ports },
          'first',
        ),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  ),
})
const timeout = fc.nat(2678400)

function config(isIpv4: boolean): Arbitrary<ConfigInput> {
  return partial({
    global: partial({
      notificationEmail: list(text),
      notificationEmailFrom: text,
      smtpServer: partial({ host: text, port }, 'host'),
      smtpConnectTimeoutSeconds: fc.integer({ min: 1, max: 4294 }),
      smtpHeloName: text,
      routerId: text,
      smtpAlert: fc.boolean(),
      smtpAlertVrrp: fc.boolean(),
      smtpAlertChecker: fc.boolean(),
      defaultInterface: device,
      vrrpVersion: fc.constantFrom(2, 3),
      vrrpGarpMasterDelaySeconds: fc.integer({ min: 0, max: 4294 }),
      vrrpGarpMasterRepeat: count,
      vrrpGarpMasterRefreshSeconds: countOrNone,
      vrrpGarpMasterRefreshRepeat: count,
      vrrpGarpLowerPrioDelaySeconds: fc.integer({ min: 0, max: 4294 }),
      vrrpGarpLowerPrioRepeat: countOrNone,
      vrrpGarpIntervalSeconds: seconds,
      vrrpGnaIntervalSeconds: seconds,
      vrrpStrict: fc.boolean(),
      vrrpSkipCheckAdvAddr: fc.boolean(),
      lvsTimeouts: fc.oneof(
        partial({ tcpSeconds: timeout, tcpFinSeconds: timeout, udpSeconds: timeout }, 'tcpSeconds'),
        fc.record({ udpSeconds: timeout }),
      ),
      scriptUser: user,
      enableScriptSecurity: fc.boolean(),
    }),
    vrrpScripts: list(
      partial(
        {
          name: word,
          argv,
          intervalSeconds: milliseconds,
          timeoutSeconds: milliseconds,
          weight,
          rise: fc.integer({ min: 1, max: 2147483647 }),
          fall: fc.integer({ min: 1, max: 2147483647 }),
          user,
          initFail: fc.boolean(),
        },
        'name',
        'argv',
      ),
    ),
    vrrpInstances: list(instance(isIpv4)),
    vrrpSyncGroups: list(
      partial(
        {
          name: text,
          instances: fc.array(text, { minLength: 1, maxLength: 3 }),
          trackingWeight: fc.boolean(),
          ...notifies,
        },
        'name',
        'instances',
      ),
    ),
    virtualServerGroups: list(group),
    virtualServers: list(service(isIpv4)),
    xdplb: tuning,
  })
}
