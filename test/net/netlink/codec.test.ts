import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from '../../../lib/address.js'
import { XdplbError } from '../../../lib/errors.js'
import { errnos } from '../../../lib/net/errno.js'
import { macFromBytes } from '../../../lib/net/mac.js'
import { decodeAddress, encodeAddress } from '../../../lib/net/netlink/address.js'
import {
  Attributes,
  asAddress,
  asNumber,
  asText,
  encodeAttributes,
} from '../../../lib/net/netlink/attribute.js'
import { decodeLink, encodeLinkQuery } from '../../../lib/net/netlink/link.js'
import { decodeMessages, decodeOutcome, encodeMessage } from '../../../lib/net/netlink/message.js'
import {
  decodeNeighbour,
  encodeManagedNeighbour,
  encodeNeighbourKey,
} from '../../../lib/net/netlink/neighbour.js'
import { decodeRoute, decodeRouteDestination, encodeRouteQuery } from '../../../lib/net/netlink/route.js'

// All bytes below were said by Linux 6.18; of the long messages about links only the attributes that matter are kept.

const malformed = { code: 'SYSCALL', errno: errnos.EBADMSG, message: /^decode netlink / }
const hex = (...lines: string[]) => Buffer.from(lines.join('').replaceAll(' ', ''), 'hex')
const mac = (...bytes: number[]) => macFromBytes(Uint8Array.from(bytes))

const veth = hex(
  '0000 0100 02000000 43100100 00000000', // struct ifinfomsg: index 2; UP, BROADCAST, RUNNING, LOWER_UP
  '0b00 0300 656e7030733800 00', // IFLA_IFNAME enp0s8
  '0500 1000 06 000000', // IFLA_OPERSTATE up
  '0800 0400 dc050000', // IFLA_MTU 1500
  '0800 0a00 03000000', // IFLA_MASTER 3
  '0a00 0100 02000000000b 0000', // IFLA_ADDRESS
  '0c00 2b00 0500 0200 00 000000', // IFLA_XDP: attached none
  '2000 1200 0900 0100 76657468 00 000000 0b00 0400 627269646765 00 00 0400 0500', // IFLA_LINKINFO: veth, a bridge's port
  '0800 2500 00000000', // IFLA_LINK_NETNSID 0
  '0800 0500 02000000', // IFLA_LINK 2
)

/** A bridge (AF_BRIDGE) saying with RTM_DELLINK that it lost its port. */
const lostPort = hex(
  '0700 0100 02000000 43100100 00000000',
  '0b00 0300 656e7030733800 00 0800 0a00 03000000 0800 0400 dc050000 0500 1000 06 000000 0a00 0100 02000000000b 0000',
)

const vip4 = hex(
  '02 20 80 fd 03000000', // struct ifaddrmsg: IPv4, /32, permanent, scope link, index 3
  '0800 0100 0a000002 0800 0200 0a000001', // IFA_ADDRESS 10.0.0.2, IFA_LOCAL 10.0.0.1
  '0c00 0300 6272303a76697000', // IFA_LABEL br0:vip
  '0800 0800 80000000', // IFA_FLAGS
  '1400 0600 ffffffff ffffffff b8f50300 b8f50300', // IFA_CACHEINFO
)

const global4 = hex(
  '02 18 80 00 03000000 0800 0100 0a00000b 0800 0200 0a00000b 0800 0400 0a0000ff 0800 0300 62723000',
  '0800 0800 80000000 1400 0600 ffffffff ffffffff b8f50300 b8f50300',
)

const linkLocal6 = hex(
  '0a 40 c0 fd 02000000 1400 0100 fe80000000000000000000fffe00000b',
  '1400 0600 ffffffff ffffffff b7f50300 b7f50300 0800 0800 c0000000 0500 0b00 03 000000', // tentative; proto kernel_ll
)

const neighbour4 = hex(
  '02 00 0000 03000000 0200 00 01', // struct ndmsg: IPv4, index 3, NUD_REACHABLE
  '0800 0100 0a000047 0a00 0200 020000000047 0000', // NDA_DST, NDA_LLADDR
  '0800 0400 00000000 1400 0300 22000000 22000000 22000000 01000000 0500 0c00 78 000000', // proto 120
)

const managed6 = hex(
  '0a 00 0000 03000000 0100 00 01 1400 0100 20010db8000000000000000000000071',
  '0800 0400 00000000 1400 0300 91170000 11000000 21000000 01000000 0800 0f00 01000000', // NTF_EXT_MANAGED
)

/** AF_BRIDGE: where a bridge sends frames for this MAC. */
const forwarding = hex(
  '07 00 0000 02000000 0200 00 00 0a00 0200 020000000047 0000 0800 0900 03000000 0800 0f00 00000000',
  '1400 0300 00000000 23000000 14000000 00000000',
)

const onLink = hex(
  '02 20 00 00 fe 00 00 01 00020000', // struct rtmsg: IPv4, /32, table main, unicast
  '0800 0f00 fe000000 0800 0100 0a000047 0800 0400 03000000 0800 0700 0a00000b 0800 1900 00000000',
)
const viaGateway = hex(
  '02 20 00 00 fe 00 00 01 00020000 0800 0f00 fe000000 0800 0100 0a080101 0800 0400 03000000 0800 0700 0a00000b',
  '0800 0500 0a0000fe 0800 1900 00000000',
)
const viaIPv6 = hex(
  '02 20 00 00 fe 00 00 01 00020000 0800 0f00 fe000000 0800 0100 0a090101 0800 0400 03000000 0800 0700 0a00000b',
  '1600 1200 0a00 20010db8000000000000000000000099 0000 0800 1900 00000000', // RTA_VIA
)

/** Adding 10.9.8.7/32 to an interface that does not exist; the request repeated in full, then the reason. */
const refusal = hex(
  '58000000 0200 0002 07000000 00000000 edffffff 28000000 1400 0506 07000000 00000000 02200000 63000000',
  '0800 0200 0a090807 0800 0100 0a090807 1b00 0100 697076343a20446576696365206e6f7420666f756e64 00 00',
)
const cappedRefusal = hex(
  '40000000 0200 0003 07000000 00000000 edffffff 28000000 1400 0506 07000000 00000000',
  '1b00 0100 697076343a20446576696365206e6f7420666f756e64 00 00',
)
const bareRefusal = hex(
  '3c000000 0200 0000 07000000 00000000 edffffff 28000000 1400 0506 07000000 00000000 02200000 63000000',
  '0800 0200 0a090807 0800 0100 0a090807',
)
const acknowledgement = hex(
  '24000000 0200 0001 07000000 00000000 00000000 28000000 1400 0506 07000000 00000000',
)
const endOfDump = hex('14000000 0300 0200 07000000 00000000 00000000')

t.test('a datagram', async t => {
  t.test('is taken apart into its messages', async t => {
    const [first, second, ...rest] = decodeMessages(Buffer.concat([acknowledgement, endOfDump]))
    t.match(first, { type: 2, flags: 0x100, sequence: 7 })
    t.equal(first?.payload.length, 20)
    t.match(second, { type: 3, flags: 2, sequence: 7 })
    t.strictSame(rest, [])
  })

  t.test('is what its messages were encoded to', async t => {
    const [message] = decodeMessages(refusal)
    t.ok(message)
    if (message) t.strictSame(encodeMessage(message), refusal)
  })

  t.test('is refused when a length is too short or too long', async t => {
    t.throws(() => decodeMessages(hex('0f000000 0300 0200 07000000 00000000')), {
      code: 'SYSCALL',
      errno: errnos.EBADMSG,
      message: 'decode netlink message: 15 bytes, expected 16 to 16',
    })
    t.throws(() => decodeMessages(endOfDump.subarray(0, 18)), { message: /20 bytes, expected 16 to 18$/ })
    t.throws(() => decodeMessages(endOfDump.subarray(0, 3)), malformed)
  })
})

t.test('the outcome of a request', async t => {
  const outcome = (datagram: Buffer) => decodeMessages(datagram).map(decodeOutcome)

  t.test('is no error in an acknowledgement and at the end of a dump', async t => {
    t.strictSame(outcome(acknowledgement), [{ errno: 0 }])
    t.strictSame(outcome(endOfDump), [{ errno: 0 }])
    t.strictSame(outcome(hex('10000000 0300 0200 07000000 00000000')), [{ errno: 0 }])
  })

  t.test("is the kernel's error number and its own words, wherever they stand", async t => {
    const expected = [{ errno: errnos.ENODEV, reason: 'ipv4: Device not found' }]
    t.strictSame(outcome(refusal), expected)
    t.strictSame(outcome(cappedRefusal), expected)
    t.strictSame(outcome(bareRefusal), [{ errno: errnos.ENODEV }])
  })
})

t.test('attributes', async t => {
  const samples = fc.uniqueArray(fc.tuple(fc.nat(0x3fff), fc.uint8Array({ maxLength: 40 })), {
    selector: ([type]) => type,
  })

  t.test('come back as they were sent', async t => {
    fc.assert(
      fc.property(samples, attributes => {
        const encoded = encodeAttributes(attributes)
        const decoded = new Attributes(encoded)
        const isThere = ([type, value]: readonly [number, Uint8Array]) => decoded.get(type)?.equals(value)
        return encoded.length % 4 === 0 && attributes.every(isThere)
      }),
    )
    t.pass('in 100 cases')
  })

  t.test('without a value are left out', async t => {
    t.strictSame(encodeAttributes([[7, undefined]]), Buffer.alloc(0))
  })

  t.test('are known by their type without the bits above it', async t => {
    t.strictSame(new Attributes(hex('0500 0180 09')).get(1), hex('09'))
  })

  t.test('of one type: the last counts', async t => {
    const attributes = new Attributes(hex('0500 0100 09000000 0500 0200 08000000 0500 0100 07'))
    t.strictSame(attributes.get(1), hex('07'))
    t.equal(attributes.has(2), true)
    t.equal(attributes.get(3), undefined)
    t.equal(attributes.has(3), false)
  })

  t.test('are refused when a length does not fit', async t => {
    t.throws(() => new Attributes(hex('0300 0100')), { message: /3 bytes, expected 4 to 4$/ })
    t.throws(() => new Attributes(hex('0900 0100 00000000')), { message: /9 bytes, expected 4 to 8$/ })
    t.throws(() => new Attributes(hex('0400 01')), malformed)
  })

  t.test('hold numbers of one, two or four bytes', async t => {
    t.strictSame([hex('fe'), hex('fe01'), hex('fe0100ff')].map(asNumber), [0xfe, 0x1fe, 0xff0001fe])
    t.throws(() => asNumber(hex('')), malformed)
    t.throws(() => asNumber(hex('0000000000')), malformed)
  })

  t.test('hold text up to a NUL, and addresses of 4 or 16 bytes', async t => {
    t.equal(asText(hex('6c6f00ff')), 'lo')
    t.equal(asText(hex('6c6f')), 'lo')
    t.equal(asAddress(hex('0a000001')), '10.0.0.1')
    t.throws(() => asAddress(hex('0a0000')), malformed)
  })
})

t.test('a link', async t => {
  t.test('is read with all that is known about it', async t => {
    t.strictSame(decodeLink(veth), {
      index: 2,
      name: 'enp0s8',
      mac: mac(2, 0, 0, 0, 0, 0x0b),
      mtu: 1500,
      up: true,
      running: true,
      loopback: false,
      operationalState: 'up',
      master: 3,
      lower: undefined,
      kind: 'veth',
      vlan: undefined,
      xdp: undefined,
    })
  })

  t.test('tells of the interface below it when that is in the same namespace', async t => {
    const vlan = Buffer.concat([veth.subarray(0, 28), hex('0800 0500 02000000')])
    t.equal(decodeLink(vlan)?.lower, 2)
  })

  t.test('tells the tag of a VLAN, and whether it is a provider’s', async t => {
    const vlan = (protocol: string) => {
      const kind = '0900 0100 766c616e00 000000'
      const info = hex('2400 1200', kind, '1400 0200 0600 0100 6400 0000 0600 0500', protocol, '0000')
      return decodeLink(Buffer.concat([veth.subarray(0, 28), info]))
    }
    t.match(vlan('8100'), { kind: 'vlan', vlan: { id: 100, protocol: '802.1Q' } })
    t.match(vlan('88a8'), { kind: 'vlan', vlan: { id: 100, protocol: '802.1ad' } })
  })

  t.test('tells how an XDP program is attached, and which', async t => {
    const withXdp = (nest: Buffer) => decodeLink(Buffer.concat([veth.subarray(0, 28), nest]))?.xdp
    const native = hex('1c00 2b00 0800 0500 b3000000 0500 0200 01 000000 0800 0400 b3000000')
    t.strictSame(withXdp(native), { mode: 'native', programId: 179 })
    const generic = hex('1c00 2b00 0800 0600 b8000000 0500 0200 02 000000 0800 0400 b8000000')
    t.strictSame(withXdp(generic), { mode: 'generic', programId: 184 })
  })

  t.test('is not what a bridge says about its ports', async t => {
    t.equal(decodeLink(lostPort), undefined)
  })

  t.test('is asked for by index, by name, or with all others', async t => {
    const mask = '0800 1d00 08000000'
    t.strictSame(encodeLinkQuery(3), hex('00000000 03000000 00000000 00000000', mask))
    t.strictSame(encodeLinkQuery('lo'), hex('00000000 00000000 00000000 00000000 0700 3500 6c6f00 00', mask))
    t.strictSame(encodeLinkQuery(), hex('00000000 00000000 00000000 00000000', mask))
  })
})

t.test('an address', async t => {
  const vip = {
    ifindex: 3,
    address: parseAddress('10.0.0.1'),
    prefixLength: 32,
    peer: parseAddress('10.0.0.2'),
    broadcast: undefined,
    label: 'br0:vip',
    scope: 253,
    protocol: undefined,
    noPrefixRoute: false,
    noDad: false,
    tentative: false,
    dadFailed: false,
  }

  t.test('is that of this host, not that of the peer', async t => {
    t.strictSame(decodeAddress(vip4), vip)
  })

  t.test('has no peer when both are the same', async t => {
    t.match(decodeAddress(global4), {
      address: '10.0.0.11',
      prefixLength: 24,
      broadcast: '10.0.0.255',
      scope: 0,
    })
    t.equal(decodeAddress(global4)?.peer, undefined)
  })

  t.test('may be IPv6, which says it in one attribute', async t => {
    t.match(decodeAddress(linkLocal6), {
      ifindex: 2,
      address: 'fe80::ff:fe00:b',
      prefixLength: 64,
      scope: 253,
      protocol: 3,
      tentative: true,
    })
  })

  t.test('comes back as it was sent', async t => {
    const flags = { protocol: 120, noPrefixRoute: true, noDad: true, broadcast: parseAddress('10.0.0.255') }
    t.strictSame(decodeAddress(encodeAddress(vip)), vip)
    t.strictSame(decodeAddress(encodeAddress({ ...vip, ...flags })), { ...vip, ...flags })
  })

  t.test('is added with the least that names it', async t => {
    const least = { ifindex: 99, address: parseAddress('10.9.8.7'), prefixLength: 32 }
    t.strictSame(encodeAddress(least), hex('02 20 00 00 63000000 0800 0200 0a090807 0800 0100 0a090807'))
  })
})

t.test('a neighbour', async t => {
  t.test('has a state, a MAC address and a maker', async t => {
    t.strictSame(decodeNeighbour(neighbour4), {
      ifindex: 3,
      address: '10.0.0.71',
      state: 'reachable',
      mac: mac(2, 0, 0, 0, 0, 0x47),
      managed: false,
      protocol: 120,
    })
  })

  t.test('may be IPv6, managed, and not yet known', async t => {
    t.strictSame(decodeNeighbour(managed6), {
      ifindex: 3,
      address: '2001:db8::71',
      state: 'incomplete',
      mac: undefined,
      managed: true,
      protocol: undefined,
    })
  })

  t.test("is not a bridge's forwarding entry", async t => {
    t.equal(decodeNeighbour(forwarding), undefined)
  })

  t.test('is named by interface and address', async t => {
    const key = { ifindex: 3, address: parseAddress('10.0.0.71') }
    t.strictSame(encodeNeighbourKey(key), hex('02000000 03000000 00000000 0800 0100 0a000047'))
    t.strictSame(encodeNeighbourKey(), Buffer.alloc(12))
  })

  t.test('is put in the care of the kernel by NTF_USE and NTF_EXT_MANAGED', async t => {
    const key = { ifindex: 3, address: parseAddress('10.0.0.71') }
    const care = hex('02000000 03000000 0000 01 00 0800 0100 0a000047 0500 0c00 78 000000 0800 0f00 01000000')
    t.strictSame(encodeManagedNeighbour(key, 120), care)
  })
})

t.test('a route', async t => {
  t.test('to the link has no gateway', async t => {
    t.strictSame(decodeRoute(onLink), {
      type: 'unicast',
      ifindex: 3,
      gateway: undefined,
      source: '10.0.0.11',
      mtu: undefined,
    })
  })

  t.test('may say what fits', async t => {
    const metrics = hex('0c00 0800 0800 0200 78050000') // RTA_METRICS: RTAX_MTU 1400
    t.strictSame(decodeRoute(Buffer.concat([viaGateway, metrics])), { ...decodeRoute(viaGateway), mtu: 1400 })
  })

  t.test('through a router has one, of either family', async t => {
    t.equal(decodeRoute(viaGateway).gateway, '10.0.0.254')
    t.equal(decodeRoute(viaIPv6).gateway, '2001:db8::99')
  })

  t.test('is asked for by destination, and by interface if need be', async t => {
    const destination = hex('02 20 0000 00000000 00000000 0800 0100 0a000047')
    t.strictSame(encodeRouteQuery(parseAddress('10.0.0.71')), destination)
    const oif = hex('0800 0400 03000000')
    t.strictSame(encodeRouteQuery(parseAddress('10.0.0.71'), 3), Buffer.concat([destination, oif]))
  })
})

t.test('whatever bytes come', async t => {
  const decoders: Record<string, { decode: (bytes: Buffer) => unknown; samples: Buffer[] }> = {
    messages: {
      decode: bytes => decodeMessages(bytes).map(message => decodeOutcome(message)),
      samples: [refusal, cappedRefusal, bareRefusal, acknowledgement, endOfDump],
    },
    link: { decode: decodeLink, samples: [veth, lostPort] },
    address: { decode: decodeAddress, samples: [vip4, global4, linkLocal6] },
    neighbour: { decode: decodeNeighbour, samples: [neighbour4, managed6, forwarding] },
    route: { decode: decodeRoute, samples: [onLink, viaGateway, viaIPv6] },
    'route destination': { decode: decodeRouteDestination, samples: [onLink, viaGateway, viaIPv6] },
  }

  /** Random bytes seldom get far; real ones with a few bytes changed, or cut short, do. */
  const hostile = (samples: Buffer[]) =>
    fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map(bytes => Buffer.from(bytes)),
      fc
        .tuple(
          fc.constantFrom(...samples),
          fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }),
          fc.nat(200),
        )
        .map(([sample, changes, cut]) => {
          const bytes = Buffer.from(sample)
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          return cut < bytes.length ? bytes.subarray(0, cut) : bytes
        }),
    )

  const attempt = (decode: (bytes: Buffer) => unknown, bytes: Buffer): unknown => {
    try {
      return decode(bytes)
    } catch (error) {
      if (error instanceof XdplbError) return error.message
      throw error
    }
  }

  for (const [name, { decode, samples }] of Object.entries(decoders)) {
    t.test(
      `the ${name} decoder gives a value or an XdplbError, and looks at nothing beyond them`,
      async () => {
        fc.assert(
          fc.property(hostile(samples), fc.nat(255), (bytes, fill) => {
            const room = Buffer.alloc(bytes.length + 64, fill)
            bytes.copy(room, 32)
            const alone = attempt(decode, Buffer.from(bytes))
            const amidOthers = attempt(decode, room.subarray(32, 32 + bytes.length))
            if (JSON.stringify(alone) !== JSON.stringify(amidOthers)) throw new Error('read beyond its bytes')
          }),
          { numRuns: 2000 },
        )
      },
    )
  }
})
