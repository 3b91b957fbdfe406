import t from 'tap'
import { addressBytes, parseAddress } from '../../lib/address.js'
import * as layout from '../../lib/dataplane/layout.gen.js'
import { VOUCHED_AT } from '../../lib/dataplane/vip-table.js'
import { encodeGratuitousArp } from '../../lib/net/arp.js'
import { macBytes } from '../../lib/net/mac.js'
import { encodeOutgoing } from '../../lib/vrrp/outgoing.js'
import { clientMac, mac } from '../tools/packet.js'
import { loadProgram, type ProgramUnderTest, skip } from '../tools/program.js'
import { makeInstance } from '../vrrp/instances.js'

const vip = parseAddress('10.0.0.1')
const otherVip = parseAddress('10.0.0.2')
const PAST = 1n
const FUTURE = 2n ** 63n

/** A frame with the advert of another master, and something put over its bytes from the IP header on. */
function advert({ priority = 100, vips = [vip], tags = 0 } = {}, ...patches: [at: number, byte: number][]) {
  const instance = makeInstance({ virtualAddresses: vips.map(address => ({ address })) })
  const [outgoing] = encodeOutgoing(instance, priority, 1)
  if (outgoing === undefined) throw new Error('nothing to send')
  for (const [at, byte] of patches) outgoing.packet.writeUInt8(byte, at)
  const to = macBytes(mac('01:00:5e:00:00:12'))
  return Buffer.concat([to, macBytes(clientMac), vlanTags(tags), Buffer.of(0x08, 0), outgoing.packet])
}

/** A frame that asks who has the address. */
function question(address = vip, tags = 0): Buffer {
  const frame = encodeGratuitousArp({ address, mac: clientMac })
  frame.set(addressBytes(parseAddress('10.0.0.100')).subarray(12), 28)
  return Buffer.concat([frame.subarray(0, 12), vlanTags(tags), frame.subarray(12)])
}

function vlanTags(count: number): Buffer {
  return Buffer.concat(Array(count).fill(Buffer.of(0x81, 0, 0, 5)))
}

/** As it is when the VRRP process has vouched for its role until then. */
function vouch(program: ProgramUnderTest, until: bigint, address = vip): void {
  program.services.setRole(address, 'master')
  const id = program.tables.vips.find(address)
  program.loaded.mapped('vips').u64[(id ?? -1) * (layout.vip.size / 8) + VOUCHED_AT] = until
}

function isYielded(program: ProgramUnderTest, address = vip): boolean {
  return program.tables.vips.role(program.tables.vips.find(address) ?? -1) === layout.role.yielded
}

t.test('an address whose VRRP process is silent', { skip }, async t => {
  const program = loadProgram(t, { services: [{}, { vip: otherVip }] })
  t.beforeEach(() => {
    vouch(program, PAST)
    vouch(program, PAST, otherVip)
  })

  t.test('is balanced and answered for, until another master is heard', async t => {
    t.equal(program.send(question()).verdict, 'pass_ethertype')
    t.equal(program.send({}).verdict, 'tx')
  })

  for (const tags of [0, 1, 2]) {
    t.test(`is yielded then, and no ARP request for it comes through, with ${tags} VLAN tags`, async t => {
      const before = program.events().vip_yielded
      t.match(program.send(advert({ tags })), { verdict: 'pass_not_vip', action: 'PASS' })
      t.equal(isYielded(program), true)
      t.equal(program.events().vip_yielded, before + 1)
      t.match(program.send(question(vip, tags)), { verdict: 'drop_arp', action: 'DROP' })
      t.equal(program.send({}).verdict, 'pass_backup')
      t.equal(program.services.roleOf(vip), 'backup')
      program.send(advert({ tags }))
      t.equal(program.events().vip_yielded, before + 1, 'once')
    })
  }

  t.test('is not yielded when the advert names others', async t => {
    program.send(advert())
    t.equal(isYielded(program, otherVip), false)
    t.equal(program.send(question(otherVip)).verdict, 'pass_ethertype')
    program.send(advert({ vips: [parseAddress('10.0.0.3'), otherVip] }))
    t.equal(isYielded(program, otherVip), true, 'but is when it is one of many')
  })

  t.test('is its own again when the process speaks', async t => {
    program.send(advert())
    vouch(program, FUTURE)
    t.equal(program.send(question()).verdict, 'pass_ethertype')
    t.equal(program.send({}).verdict, 'tx')
  })

  t.test('is not yielded to what is no advert of a master', async t => {
    const frames = {
      'a farewell': advert({ priority: 0 }),
      'one that came by a router': advert({}, [8, 254]),
      'a fragment': advert({}, [6, 0x20]),
      'another type of message': advert({}, [20, 0x22]),
      'another protocol': advert({}, [9, 17]),
      'one without addresses': advert({}, [23, 0]),
      'one that ends before its address': advert().subarray(0, 14 + 20 + 8 + 3),
      'one that ends before its header does': advert().subarray(0, 14 + 20 + 7),
    }
    for (const [title, frame] of Object.entries(frames)) {
      t.equal(program.send(frame).verdict, 'pass_not_vip', title)
      t.equal(isYielded(program), false)
    }
  })

  t.test('lets all ARP through but requests for it', async t => {
    program.send(advert())
    const answer = question()
    answer.writeUInt8(2, 21)
    t.equal(program.send(answer).verdict, 'pass_ethertype', 'an answer')
    t.equal(program.send(question(parseAddress('10.0.0.11'))).verdict, 'pass_ethertype', 'another address')
    t.equal(program.send(question().subarray(0, 41)).verdict, 'pass_ethertype', 'a frame that is too short')
  })
})

t.test('an address is not yielded', { skip }, async t => {
  const program = loadProgram(t)

  t.test('while its VRRP process vouches for it: the process decides', async t => {
    vouch(program, FUTURE)
    program.send(advert())
    t.equal(isYielded(program), false)
  })

  t.test('when there is no process that elects it', async t => {
    vouch(program, 0n)
    program.send(advert())
    t.equal(isYielded(program), false)
  })

  t.test('when it is not this node that has it', async t => {
    vouch(program, PAST)
    program.services.setRole(vip, 'backup')
    program.send(advert())
    t.equal(isYielded(program), false)
    t.equal(program.send(question()).verdict, 'pass_ethertype')
  })
})
