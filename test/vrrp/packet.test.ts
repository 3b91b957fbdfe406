import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { addressFromBytes, type Family, parseAddress } from '../../lib/address.js'
import {
  type Advert,
  advertSize,
  decodeAdvert,
  encodeAdvert,
  isIntact,
  passwordBytes,
} from '../../lib/vrrp/advert.js'
import { encodeOutgoing, VRRP_GROUP } from '../../lib/vrrp/outgoing.js'
import { decodePacket, encodePacket, virtualRouterIdOf } from '../../lib/vrrp/packet.js'
import { checksum } from '../tools/packet.js'
import { makeInstance, virtual } from './instances.js'

// What keepalived 2.2.7 sent.
const goldenV2 =
  '45c0003000010000ff70d0890a000001e0000012' + '21336403010120edc0a8c810c0a8c811c0a8c8126c6f6e6770617373'
const goldenV3 = '45c0002000010000ff70d0990a000001e0000012' + '3135c801001911eb0a000035'
const goldenV6 = '3134960200327e4b' + 'fe8000000000000002005efffe000252' + '20010db8000000000000000000000001'

const v6Route = {
  source: parseAddress('fe80::6808:60ff:feb6:66d1'),
  destination: parseAddress('ff02::12'),
}
const v2 = makeInstance({
  virtualRouterId: 51,
  authentication: { type: 'PASS', password: 'longpassword12' },
  virtualAddresses: virtual('192.168.200.16', '192.168.200.17', '192.168.200.18'),
  source: parseAddress('10.0.0.1'),
})
const v3 = makeInstance({
  version: 3,
  virtualRouterId: 53,
  priority: 200,
  advertIntervalSeconds: 0.25,
  virtualAddresses: virtual('10.0.0.53'),
  source: parseAddress('10.0.0.1'),
})
const v6Advert: Advert = {
  version: 3,
  type: 1,
  virtualRouterId: 52,
  priority: 150,
  intervalMs: 500,
  addresses: [parseAddress('fe80::200:5eff:fe00:252'), parseAddress('2001:db8::1')],
}

const hex = (text: string) => Buffer.from(text, 'hex')
const packetOf = (...arguments_: Parameters<typeof encodeOutgoing>) =>
  encodeOutgoing(...arguments_).map(({ packet }) => packet.toString('hex'))

t.test('an advert on the wire', async t => {
  t.test('is what keepalived sends, in version 2 with a password', async t => {
    t.strictSame(packetOf(v2, 100, 1), [goldenV2])
  })

  t.test('is what keepalived sends, in version 3', async t => {
    t.strictSame(packetOf(v3, 200, 1), [goldenV3])
  })

  t.test('is what keepalived sends, in version 3 over IPv6', async t => {
    t.equal(encodeAdvert(v6Advert, v6Route).toString('hex'), goldenV6)
  })

  t.test('has the checksum of RFC 9568 in version 3 if so configured', async t => {
    const [packet] = packetOf({ ...v3, v3ChecksumAsV2: true }, 200, 1)
    t.equal(packet, goldenV3.replace('11eb', 'fc7a'))
  })

  t.test('keeps its pseudo header over IPv6, whatever is configured for IPv4', async t => {
    t.equal(encodeAdvert(v6Advert, v6Route, { v3ChecksumAsV2: true }).toString('hex'), goldenV6)
  })

  t.test('has its eight bytes of authentication in version 2 without a password, too', async t => {
    const { authentication: _, ...open } = v2
    const [packet = ''] = packetOf(open, 100, 1)
    t.equal(packet.length, goldenV2.length)
    t.equal(packet.slice(48, 50), '00', 'type none')
    t.equal(packet.slice(-16), '0000000000000000')
  })

  t.test('has priority 0 when the addresses are given up', async t => {
    const [{ packet } = { packet: Buffer.alloc(0) }] = encodeOutgoing(v2, 0, 1)
    t.equal(packet[22], 0)
  })

  t.test('goes to the group, or to each unicast peer in a packet of its own', async t => {
    const peers = virtual('10.0.0.12', '10.0.0.13')
    t.strictSame(
      encodeOutgoing(v3, 200, 1).map(({ destination }) => destination),
      [VRRP_GROUP],
    )
    const outgoing = encodeOutgoing({ ...v3, unicastPeers: peers }, 200, 7)
    t.strictSame(
      outgoing.map(({ destination }) => destination),
      peers.map(({ address }) => address),
    )
    for (const [index, { packet, destination }] of outgoing.entries()) {
      t.equal(packet.readUInt16BE(4), 7 + index, 'each has its own identification')
      const decoded = decodePacket(packet)
      t.equal(decoded?.destination, destination)
      t.ok(decoded && isIntact(decoded.payload, decoded), 'and its own checksum')
    }
  })

  t.test('counts its identification on beyond 65535', async t => {
    t.equal(packetOf(v3, 200, 65536 + 1)[0], goldenV3)
  })
})

t.test('a password is cut to eight bytes, or filled up with zeroes', async t => {
  t.equal(passwordBytes('longpassword12').toString(), 'longpass')
  t.equal(passwordBytes('1215').toString(), '1215\0\0\0\0')
})

t.test('a packet', async t => {
  t.test('decodes to what it says', async t => {
    const packet = decodePacket(hex(goldenV2))
    t.match(packet, { source: '10.0.0.1', destination: '224.0.0.18', ttl: 255, length: 48, totalLength: 48 })
    t.equal(packet && virtualRouterIdOf(packet), 51)
    t.strictSame(packet && decodeAdvert(packet.payload, 4), {
      version: 2,
      type: 1,
      virtualRouterId: 51,
      priority: 100,
      intervalMs: 1000,
      addresses: ['192.168.200.16', '192.168.200.17', '192.168.200.18'],
      authentication: { type: 1, data: Buffer.from('longpass') },
    })
    t.strictSame(decodeAdvert(hex(goldenV6), 6), v6Advert)
  })

  t.test('has an interval of twelve bits in version 3; what is before them means nothing', async t => {
    const message = hex(goldenV3).subarray(20)
    message.writeUInt8(0xf0, 4)
    t.equal(decodeAdvert(message, 4)?.intervalMs, 250)
  })

  t.test('is not intact over IPv6 without the pseudo header in its checksum', async t => {
    const plain = hex(goldenV6)
    plain.writeUInt16BE(0, 6)
    plain.writeUInt16BE(checksum(plain), 6)
    t.notOk(isIntact(plain, v6Route))
    t.ok(isIntact(hex(goldenV6), v6Route))
  })

  t.test('may have options in its IP header', async t => {
    const bytes = Buffer.concat([hex(goldenV3).subarray(0, 20), hex('01010100'), hex(goldenV3).subarray(20)])
    bytes.writeUInt8(0x46, 0)
    t.equal(decodePacket(bytes)?.payload.toString('hex'), goldenV3.slice(40))
  })

  t.test('is none when it is not VRRP over IPv4, header and all', async t => {
    const broken = (at: number, value: number) => {
      const bytes = hex(goldenV2)
      bytes.writeUInt8(value, at)
      return decodePacket(bytes)
    }
    t.equal(broken(0, 0x65), undefined, 'IPv6')
    t.equal(broken(0, 0x44), undefined, 'a header of 16 bytes')
    t.equal(broken(9, 17), undefined, 'UDP')
    t.equal(decodePacket(hex(goldenV2).subarray(0, 19)), undefined, 'less than a header')
    const long = hex(goldenV2).subarray(0, 50)
    long.writeUInt8(0x4f, 0)
    t.equal(decodePacket(long), undefined, 'less than the header it says it has')
  })

  t.test('cannot say whom it is for when it ends too early', async t => {
    const packet = decodePacket(hex(goldenV2).subarray(0, 21))
    t.ok(packet)
    t.equal(packet && virtualRouterIdOf(packet), undefined)
  })
})

t.test('any bytes at all', async t => {
  const family = fc.constantFrom<Family>(4, 6)

  t.test('decode to an advert or to none, and never break anything', async () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), family, (noise, family) => {
        const bytes = Buffer.from(noise)
        decodePacket(bytes)
        const advert = decodeAdvert(bytes, family)
        return (advert === undefined) === bytes.length < advertSize(bytes, family)
      }),
    )
  })

  t.test('decode to none when a golden packet is cut anywhere', async t => {
    for (const [message, family] of [
      [hex(goldenV2).subarray(20), 4],
      [hex(goldenV3).subarray(20), 4],
      [hex(goldenV6), 6],
    ] as const) {
      for (let length = 0; length < message.length; length++) {
        t.equal(decodeAdvert(message.subarray(0, length), family), undefined)
      }
    }
  })
})

t.test('what is encoded', async t => {
  const address = (size: number) => fc.uint8Array({ minLength: size, maxLength: size }).map(addressFromBytes)
  const sizes = { 4: 4, 6: 16 } as const
  const adverts = (family: Family) =>
    fc.record({
      family: fc.constant(family),
      route: fc.record({ source: address(sizes[family]), destination: address(sizes[family]) }),
      advert: fc
        .record({
          version: fc.constantFrom(2, 3),
          type: fc.nat(15),
          virtualRouterId: fc.nat(255),
          priority: fc.nat(255),
          interval: fc.nat(255),
          addresses: fc.array(address(sizes[family]), { maxLength: 255 }),
          authenticationType: fc.nat(255),
          data: fc.uint8Array({ minLength: 8, maxLength: 8 }),
        })
        .map(({ interval, authenticationType, data, ...advert }): Advert => {
          if (advert.version === 3) return { ...advert, intervalMs: interval * 10 }
          const authentication = { type: authenticationType, data: Buffer.from(data) }
          return { ...advert, intervalMs: interval * 1000, authentication }
        }),
      v3ChecksumAsV2: fc.boolean(),
      behind: fc.uint8Array({ maxLength: 20 }),
    })
  // An IPv4 address mapped into IPv6 is written as IPv4: `addressFromBytes` folds it. None is on any wire.
  const any = fc.oneof(adverts(4), adverts(6)).filter(({ advert, route, family }) => {
    return family === 4 || [...advert.addresses, ...Object.values(route)].every(text => text.includes(':'))
  })

  t.test('decodes to itself, whatever stands behind it', async () => {
    fc.assert(
      fc.property(any, ({ advert, route, family, behind, ...options }) => {
        const bytes = encodeAdvert(advert, route, options)
        deepStrictEqual(decodeAdvert(Buffer.concat([bytes, behind]), family), advert)
        equal(advertSize(bytes, family), bytes.length)
      }),
      { numRuns: 100 },
    )
  })

  t.test('is intact, and is not when a bit changes', async () => {
    fc.assert(
      fc.property(any, fc.nat(), ({ advert, route, ...options }, place) => {
        const bytes = encodeAdvert(advert, route, options)
        ok(isIntact(bytes, route))
        const bit = place % (bytes.length * 8)
        const at = bit >> 3
        if (at === 0) return // another version has another checksum
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit & 7)), at)
        ok(!isIntact(bytes, route))
      }),
      { numRuns: 100 },
    )
  })

  t.test('has a header that every router finds right', async () => {
    fc.assert(
      fc.property(any, fc.nat(), fc.nat(255), ({ advert, route, family }, identification, ttl) => {
        if (family === 6) return
        const message = encodeAdvert(advert, route)
        const bytes = encodePacket({ ...route, identification, ttl }, message)
        equal(checksum(bytes.subarray(0, 20)), 0)
        const length = bytes.length
        deepStrictEqual(decodePacket(bytes), { ...route, ttl, length, totalLength: length, payload: message })
      }),
      { numRuns: 100 },
    )
  })
})
