import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from '../../lib/address.js'
import type { Advert } from '../../lib/vrrp/advert.js'
import { encodeAdvert, passwordBytes } from '../../lib/vrrp/advert.js'
import { noneReceived } from '../../lib/vrrp/counters.js'
import type { Instance } from '../../lib/vrrp/instance.js'
import { VRRP_GROUP } from '../../lib/vrrp/outgoing.js'
import { decodePacket, encodePacket, type Packet } from '../../lib/vrrp/packet.js'
import type { Judgement, Reception } from '../../lib/vrrp/receive.js'
import { nothingReceived, receive, speakAgain } from '../../lib/vrrp/receive.js'
import { lb1, lb2, makeInstance, vip, virtual } from './instances.js'

const { none, password, ah } = { none: 0, password: 1, ah: 2 }
const node = makeInstance()
const { authentication: _, ...open } = node
const node3 = { ...open, version: 3, advertIntervalSeconds: 0.5 } as const
const unicast = { ...node, unicastPeers: [{ address: lb1 }] }

/** How a packet is to differ from what the other node would send. */
interface Difference {
  advert?: Partial<Advert>
  source?: typeof lb1
  destination?: typeof lb1
  ttl?: number
  v3ChecksumAsV2?: boolean
  /** On the finished packet. */
  breaks?: (bytes: Buffer) => Buffer | undefined
}

/** A packet of the other node to an instance. */
function packetFor(instance: Instance, difference: Difference = {}): Packet {
  const { source = lb1, ttl = 255, v3ChecksumAsV2 = false, breaks = () => undefined } = difference
  const { destination = instance.unicastPeers.length > 0 ? instance.source : VRRP_GROUP } = difference
  const advert: Advert = {
    version: instance.version,
    type: 1,
    virtualRouterId: 91,
    priority: 200,
    intervalMs: instance.advertIntervalSeconds * 1000,
    addresses: instance.virtualAddresses.map(({ address }) => address),
    ...(instance.version === 2 && { authentication: passwordOf(instance) }),
    ...difference.advert,
  }
  const message = encodeAdvert(advert, { source, destination }, { v3ChecksumAsV2 })
  const bytes = encodePacket({ source, destination, ttl, identification: 1 }, message)
  const packet = decodePacket(breaks(bytes) ?? bytes)
  if (packet === undefined) throw new Error('no packet any more')
  return packet
}

function passwordOf({ authentication }: Instance) {
  return authentication
    ? { type: password, data: passwordBytes(authentication.password) }
    : { type: none, data: Buffer.alloc(8) }
}

function texts({ log }: Judgement): string[] {
  return log.map(({ text }) => text)
}

/** What was counted, and how often. */
function counted({ counters }: Reception): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).filter(([, count]) => count > 0))
}

const otherPassword = { type: password, data: passwordBytes('1216') }
const append = (size: number) => (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(size, 0xa5)])
const set = (at: number, value: number) => (bytes: Buffer) => void bytes.writeUInt8(value, at)

t.test('an advert as it should be is accepted and counted, and nothing is said', async t => {
  for (const instance of [node, open, node3, unicast, { ...node3, unicastPeers: virtual('10.0.0.11') }]) {
    const judgement = receive(instance, nothingReceived, packetFor(instance))
    t.match(judgement, {
      verdict: 'OK',
      heard: { source: lb1, priority: 200, intervalMs: instance.advertIntervalSeconds * 1000 },
      log: [],
    })
    t.strictSame(counted(judgement.reception), { adverts: 1 })
  }
})

t.test('what is accepted, too', async t => {
  const accepts = (title: string, instance: Instance, difference: Difference) =>
    t.test(title, async t => {
      const judgement = receive(instance, nothingReceived, packetFor(instance, difference))
      t.match(judgement, { verdict: 'OK', log: [] })
    })

  await accepts(
    'is the padding of a short Ethernet frame',
    { ...open, virtualAddresses: [] },
    { breaks: append(10) },
  )
  await accepts('is such padding behind a VLAN tag', { ...open, virtualAddresses: [] }, { breaks: append(6) })
  await accepts('is a unicast advert that came through routers', unicast, { ttl: 253 })
  await accepts('is a checksum of version 3 as RFC 9568 has it', node3, { v3ChecksumAsV2: true })
  await accepts(
    'is a checksum of version 3 with pseudo header where the own is without',
    { ...node3, v3ChecksumAsV2: true },
    {},
  )
  await accepts(
    'is a password that differs behind its eighth byte',
    {
      ...node,
      authentication: { type: 'PASS', password: 'longpassword' },
    },
    { advert: { authentication: { type: password, data: Buffer.from('longpass') } } },
  )
  await accepts(
    'is the list of addresses in another order',
    { ...node, virtualAddresses: virtual('10.0.0.1', '10.0.0.2') },
    { advert: { addresses: [parseAddress('10.0.0.2'), vip] } },
  )
})

t.test('what is refused, by which check, how it is counted, and what is said', async t => {
  const refuses = (
    title: string,
    instance: Instance,
    difference: Difference,
    expected: { verdict?: 'DROP'; check: string; counter: keyof typeof noneReceived; text: string },
  ) =>
    t.test(title, async t => {
      const judgement = receive(instance, nothingReceived, packetFor(instance, difference))
      const { verdict = 'KO', check, counter, text } = expected
      t.match(judgement, { verdict, check })
      t.strictSame(counted(judgement.reception), { [counter]: 1 })
      t.equal(texts(judgement)[0], `(external) ${text}`)
    })

  const length = { check: 'length', counter: 'lengthErrors' } as const
  await refuses(
    'a packet that ends early',
    node,
    { breaks: bytes => bytes.subarray(0, 39) },
    {
      ...length,
      text: 'vrrp packet from 10.0.0.11 too short, length 39 and expect 40',
    },
  )
  await refuses(
    'a packet that ends before it says how long it is',
    node,
    { breaks: bytes => bytes.subarray(0, 22) },
    {
      ...length,
      text: 'vrrp packet from 10.0.0.11 too short, length 22 and expect 28',
    },
  )
  for (const [size, what] of [
    [10, 'more than the shortest frame holds'],
    [1, 'what no frame is padded with'],
  ] as const) {
    await refuses(
      `a packet with ${what} behind it`,
      node,
      { breaks: append(size) },
      { ...length, text: `vrrp packet from 10.0.0.11 too long, length ${40 + size} and expect 40` },
    )
  }
  await refuses(
    'a packet that a router has forwarded',
    node,
    { ttl: 254 },
    {
      check: 'ttl',
      counter: 'ttlErrors',
      text: 'invalid TTL/HL from 10.0.0.11. Received 254 and expect 255',
    },
  )
  await refuses(
    'another version',
    node,
    { advert: { version: 3 } },
    {
      check: 'version',
      counter: 'versionErrors',
      text: 'wrong VRRP version from 10.0.0.11. Received 3 and expect 2',
    },
  )
  await refuses(
    'a type of authentication that there is not',
    node,
    { advert: { authentication: { type: 3, data: Buffer.alloc(8) } } },
    {
      check: 'authentication type',
      counter: 'invalidAuthenticationTypes',
      text: 'Invalid auth type from 10.0.0.11: 3',
    },
  )
  await refuses(
    'a type of authentication that is not ours',
    node,
    { advert: { authentication: { type: ah, data: Buffer.alloc(8) } } },
    {
      check: 'other authentication',
      counter: 'authenticationMismatches',
      text: 'received a 2 auth from 10.0.0.11, expecting 1!',
    },
  )
  await refuses(
    'a password where we have none',
    open,
    { advert: { authentication: otherPassword } },
    {
      check: 'other authentication',
      counter: 'authenticationMismatches',
      text: 'received a 1 auth from 10.0.0.11, expecting 0!',
    },
  )
  await refuses(
    'another password',
    node,
    { advert: { authentication: otherPassword } },
    {
      check: 'password',
      counter: 'authenticationFailures',
      text: 'received an invalid passwd from 10.0.0.11!',
    },
  )
  await refuses(
    'another interval in version 2',
    node,
    { advert: { intervalMs: 2000 } },
    {
      verdict: 'DROP',
      check: 'interval',
      counter: 'intervalErrors',
      text: "advertisement interval mismatch with 10.0.0.11 mine=1 sec rcv'd=2 sec",
    },
  )
  await refuses(
    'a message that is no advert',
    node,
    { advert: { type: 2 } },
    {
      check: 'type',
      counter: 'typeErrors',
      text: 'Invalid packet type from 10.0.0.11. 2 and expect 1',
    },
  )
  await refuses(
    'an IP header with another length in it',
    node,
    { breaks: set(3, 44) },
    {
      check: 'total length',
      counter: 'lengthErrors',
      text: 'ip_tot_len mismatch against received length from 10.0.0.11. 44 and received 40',
    },
  )
  await refuses(
    'a wrong checksum',
    node,
    { breaks: set(22, 201) },
    {
      check: 'checksum',
      counter: 'checksumErrors',
      text: 'Invalid VRRPv2 checksum from 10.0.0.11',
    },
  )
  await refuses(
    'a wrong checksum of version 3',
    node3,
    { breaks: set(22, 201) },
    {
      check: 'checksum',
      counter: 'checksumErrors',
      text: 'Invalid VRRPv3 checksum from 10.0.0.11',
    },
  )
  await refuses(
    'a unicast packet where multicast is spoken',
    node,
    { destination: lb2 },
    {
      check: 'destination',
      counter: 'addressListErrors',
      text: 'Expected multicast packet but received unicast packet from 10.0.0.11',
    },
  )
  await refuses(
    'a multicast packet where unicast is spoken',
    unicast,
    { destination: VRRP_GROUP },
    {
      check: 'destination',
      counter: 'addressListErrors',
      text: 'Expected unicast packet but received multicast packet from 10.0.0.11',
    },
  )
})

t.test('what is only remarked', async t => {
  const remarks = (title: string, instance: Instance, difference: Difference, text: string, counters = {}) =>
    t.test(title, async t => {
      const judgement = receive(instance, nothingReceived, packetFor(instance, difference))
      t.equal(judgement.verdict, 'OK')
      t.strictSame(texts(judgement), [`(external) ${text}`])
      t.strictSame(counted(judgement.reception), { adverts: 1, ...counters })
    })

  await remarks(
    'is another interval in version 3',
    node3,
    { advert: { intervalMs: 1000 } },
    "advertisement interval mismatch ours = 50 centi-sec rcv'd=100 centi-sec",
  )
  await remarks(
    'is another number of addresses',
    node,
    { advert: { addresses: [] } },
    'expected 1 VIPs but received 0',
    { addressListErrors: 1 },
  )
  await remarks(
    'is another address',
    node,
    { advert: { addresses: [parseAddress('10.0.0.2')] } },
    'ip address associated with VRID 91 not present in advert from 10.0.0.11: 10.0.0.1',
    { addressListErrors: 1 },
  )
})

t.test('of several things that are wrong the first in the order of the protocol decides', async t => {
  const faults: readonly [check: string, difference: Difference][] = [
    ['ttl', { ttl: 1 }],
    ['version', { advert: { version: 3 } }],
    ['password', { advert: { authentication: otherPassword } }],
    ['interval', { advert: { intervalMs: 9000 } }],
    ['type', { advert: { type: 7 } }],
    ['destination', { destination: lb2 }],
  ]
  for (const [place, [check, first]] of faults.entries()) {
    for (const [, second] of faults.slice(place + 1)) {
      const both = { ...second, ...first, advert: { ...second.advert, ...first.advert } }
      t.match(receive(node, nothingReceived, packetFor(node, both)), { check })
    }
    if (check === 'destination') continue
    const damaged = { ...first, breaks: set(27, 0xff) } // the checksum's place is behind that of all these
    t.match(receive(node, nothingReceived, packetFor(node, damaged)), { check })
  }
})

t.test('an advert of priority 0 is counted as such, too', async t => {
  const judgement = receive(node, nothingReceived, packetFor(node, { advert: { priority: 0 } }))
  t.strictSame(counted(judgement.reception), { adverts: 1, priorityZero: 1 })
})

t.test('with skip_check_adv_addr only the first advert of a master is compared', async t => {
  const skipping = { ...node, skipCheckAdvAddr: true }
  const wrong = { advert: { addresses: virtual('10.0.0.2').map(({ address }) => address) } }
  const first = receive(skipping, nothingReceived, packetFor(node, wrong))
  const second = receive(skipping, first.reception, packetFor(node, wrong))
  const third = receive(
    skipping,
    second.reception,
    packetFor(node, { ...wrong, source: parseAddress('10.0.0.13') }),
  )
  t.strictSame(
    [first, second, third].map(({ reception }) => reception.counters.addressListErrors),
    [1, 1, 2],
  )
})

t.test('a complaint', async t => {
  const wrong = packetFor(node, { advert: { authentication: otherPassword } })
  const said = receive(node, nothingReceived, wrong).reception

  t.test('is logged once, and counted every time', async t => {
    const again = receive(node, said, wrong)
    t.strictSame(again.log, [])
    t.equal(again.reception.counters.authenticationFailures, 2)
  })

  t.test('does not keep another one from being logged', async t => {
    t.equal(receive(node, said, packetFor(node, { ttl: 3 })).log.length, 1)
  })

  t.test('is logged again after an advert of another master was accepted', async t => {
    const good = receive(node, said, packetFor(node)).reception
    t.equal(receive(node, good, wrong).log.length, 2)
  })

  t.test('is not logged again only because the same master goes on', async t => {
    const known = receive(node, nothingReceived, packetFor(node)).reception
    const { reception } = receive(node, known, wrong)
    t.strictSame(receive(node, receive(node, reception, packetFor(node)).reception, wrong).log, [])
  })

  t.test('is logged again after a change of state', async t => {
    t.equal(receive(node, speakAgain(said), wrong).log.length, 2)
    t.equal(speakAgain(said).counters.authenticationFailures, 1, 'what was counted stays')
  })
})

t.test('a conflicting master', async t => {
  const conflicts: readonly [what: string, advert: Partial<Advert>][] = [
    ['password', { authentication: otherPassword }],
    ['authentication', { authentication: { type: none, data: Buffer.alloc(8) } }],
    ['interval', { intervalMs: 2000 }],
    ['version', { version: 3 }],
  ]
  for (const [what, advert] of conflicts) {
    t.test(`is told when its ${what} differs`, async t => {
      const judgement = receive(node, nothingReceived, packetFor(node, { advert }))
      t.match(judgement, { rival: { source: lb1, priority: 200 } })
      t.strictSame(judgement.log[1], {
        level: 'warn',
        text: '(external) conflicting master 10.0.0.11 with priority 200: neither heeds the other, both may own the addresses',
      })
    })
  }

  t.test('is told with every packet, and logged once', async t => {
    const packet = packetFor(node, { advert: { authentication: otherPassword } })
    const { reception } = receive(node, nothingReceived, packet)
    t.match(receive(node, reception, packet), { rival: { source: lb1 }, log: [] })
  })

  t.test('is none that damaged a packet, leaves, or says something else', async t => {
    for (const difference of [
      { advert: { authentication: otherPassword }, breaks: set(27, 0xff) },
      { advert: { authentication: otherPassword, priority: 0 } },
      { advert: { authentication: otherPassword, type: 2 } },
      { ttl: 7 },
    ]) {
      const judgement = receive(node, nothingReceived, packetFor(node, difference))
      t.notOk('rival' in judgement)
      t.equal(judgement.log.length, 1)
    }
  })
})

t.test('any bytes at all get a judgement, and are counted exactly once or remarked', async t => {
  const noise = fc.uint8Array({ maxLength: 60 }).map(payload => Buffer.from(payload))
  fc.assert(
    fc.property(noise, fc.constantFrom<Instance>(node, open, node3, unicast), (payload, instance) => {
      const bytes = encodePacket({ source: lb1, destination: VRRP_GROUP, identification: 1 }, payload)
      const packet = decodePacket(bytes)
      if (packet === undefined) return false
      const { verdict, reception } = receive(instance, nothingReceived, packet)
      const { adverts, priorityZero, ...errors } = reception.counters
      const wrong = Object.values(errors).reduce((sum, count) => sum + count, 0)
      return verdict === 'OK' ? adverts === 1 : adverts === 0 && wrong === 1
    }),
    { numRuns: 500 },
  )
  t.strictSame(nothingReceived.counters, noneReceived, 'and what was there is untouched')
})
