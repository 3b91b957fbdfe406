import t from 'tap'
import { mapLayouts } from '../../lib/dataplane/layout.gen.js'
import { Stations } from '../../lib/dataplane/stations.js'
import type { Vlan } from '../../lib/net/netlink/link.js'
import { LOOPBACK } from '../tools/hops.js'
import { buildAnswer, errorFrame } from '../tools/icmp.js'
import { linkWith } from '../tools/link.js'
import { balancerMac, buildFrame, type Frame, fragmentsOf, mac, type Tag } from '../tools/packet.js'
import { forwarded, loadProgram, skip } from '../tools/program.js'

const families = {
  IPv4: { source: '10.0.0.100', destination: '10.0.0.1' },
  IPv6: { source: '2001:db8::100', destination: '2001:db8::1' },
}

const stacks: Record<string, readonly Tag[]> = {
  'no tag': [],
  'a tag': [5],
  'two tags': [5, 7],
}

/** No tag of these is in a frame that comes in. */
const otherStacks: Record<string, readonly Tag[]> = {
  'no tag': [],
  'a tag': [4094],
  "a provider's tag": [{ id: 5, protocol: '802.1ad' }],
  'two tags': [1, 2],
  'two tags, neither a provider’s': [
    { id: 7, protocol: '802.1Q' },
    { id: 5, protocol: '802.1Q' },
  ],
}

for (const [family, client] of Object.entries(families)) {
  t.test(`to a real server in another VLAN, ${family}`, { skip }, async t => {
    const vip = client.destination
    const program = loadProgram(t, {
      services: [
        { vip, reals: [71] },
        { vip, port: 53, protocol: 'udp', reals: [71] },
      ],
    })
    t.beforeEach(() => {
      program.clear()
      program.refillAnswers()
    })
    const query: Frame = { ...client, protocol: 'udp', destinationPort: 53, payload: 200 }
    const frames: Record<string, Frame> = {
      'the shortest there is': { ...query, payload: 0 },
      'a datagram': { ...query, payload: 31 },
      'a SYN with data': { ...client, payload: 1400 },
      'options, or headers with options': { ...client, options: 3, extensions: [0, 60] },
      'a jumbo frame': { ...client, payload: 8800 },
    }

    for (const [before, vlans] of Object.entries(stacks)) {
      for (const [after, wanted] of Object.entries(otherStacks)) {
        t.test(`with ${before}, a frame leaves with ${after}, and its payload unharmed`, async t => {
          program.hops.tag(71, wanted)
          for (const [title, frame] of Object.entries(frames)) {
            const { verdict, action, data } = program.send({ ...frame, vlans })
            t.equal(verdict, 'tx', title)
            t.equal(action, 'TX')
            t.ok(data.equals(forwarded(frame, 71, wanted)), `byte for byte: ${title}`)
          }
        })
      }
    }

    t.test('fragments go after their first one', async t => {
      program.hops.tag(71, [9])
      for (const vlans of Object.values(stacks)) {
        program.clear()
        for (const fragment of fragmentsOf({ ...query, vlans }, 64)) {
          const { verdict, data } = program.send(fragment)
          t.equal(verdict, 'tx')
          t.strictSame(data, forwarded(fragment, 71, [9]))
        }
      }
    })

    t.test('ICMP errors go to whom they are about', async t => {
      program.hops.tag(71, [8, 9])
      program.run(client)
      for (const vlans of Object.values(stacks)) {
        const error = errorFrame({ about: client, type: family === 'IPv4' ? 3 : 1, outer: { vlans } })
        const { verdict, data } = program.send(error)
        t.equal(verdict, 'tx')
        t.strictSame(data, forwarded(error, 71, [8, 9]))
      }
    })

    t.test('what cannot go there is answered in the VLAN that it came from', async t => {
      for (const vlans of Object.values(stacks)) {
        program.hops.tag(71, [9])
        const spent = buildFrame({ ...client, vlans, ttl: 1 })
        const { verdict, data } = program.send(spent)
        t.equal(verdict, 'tx_time_exceeded')
        t.strictSame(data, buildAnswer(spent, 'time exceeded'))

        program.hops.tag(71, [9], 1300)
        const large = buildFrame({ ...client, vlans, payload: 1400 })
        const answer = program.send(large)
        t.equal(answer.verdict, 'tx_too_big')
        t.strictSame(answer.data, buildAnswer(large, 'too big', 1300))
      }
    })
  })
}

t.test('VLAN tags', { skip }, async t => {
  const program = loadProgram(t, { services: [{ reals: [71] }] })
  t.beforeEach(() => program.clear())
  const urgent = (id: number, protocol: '802.1Q' | '802.1ad' = '802.1Q') => ({ id, protocol, priority: 6 })

  t.test('of the VLAN that the real server is in stay as they are, priority and all', async t => {
    const vlans = [urgent(5, '802.1ad'), urgent(7)]
    program.hops.tag(71, vlans)
    t.strictSame(program.send({ vlans }).data, forwarded({}, 71, vlans))
  })

  t.test('that are new have priority 0', async t => {
    program.hops.tag(71, [6])
    t.strictSame(program.send({ vlans: [urgent(5)] }).data, forwarded({}, 71, [6]))
  })

  t.test('that only give a priority are no VLAN', async t => {
    program.hops.tag(71, [])
    t.strictSame(program.send({ vlans: [urgent(0)] }).data, forwarded({}, 71))
  })

  t.test('of 802.1ad and of 802.1Q are different VLANs', async t => {
    const provider = { id: 5, protocol: '802.1ad' } as const
    program.hops.tag(71, [provider])
    t.strictSame(program.send({ vlans: [5] }).data, forwarded({}, 71, [provider]))
    t.strictSame(program.send({ vlans: [provider] }).data, forwarded({}, 71, [provider]))
  })

  t.test('change with the way to the real server, in mid-connection', async t => {
    const ack: Frame = { flags: ['ACK'] }
    program.hops.tag(71, [6])
    program.run({})
    t.strictSame(program.send(ack).data, forwarded(ack, 71, [6]))
    program.hops.tag(71, [])
    t.strictSame(program.send(ack).data, forwarded(ack, 71))
  })

  t.test('are as they were on what goes up the stack', async t => {
    program.hops.tag(71, [6])
    for (const frame of [
      { destination: '10.0.0.9' },
      { destinationPort: 81 },
      { flags: ['ACK'] },
    ] as Frame[]) {
      const { action, data } = program.send({ ...frame, vlans: [urgent(5)] })
      t.equal(action, 'PASS')
      t.strictSame(data, buildFrame({ ...frame, vlans: [urgent(5)] }))
    }
  })
})

t.test('a VLAN whose interface has a MAC address of its own', { skip }, async t => {
  const program = loadProgram(t, { services: [{ reals: [71] }] })
  const { key, value } = mapLayouts.stations
  const stations = new Stations(program.loaded.map('stations').typed({ key, value }))
  const own = mac('02:00:00:00:05:1b')
  const device = linkWith({ index: LOOPBACK, name: 'eth0' })
  const other = linkWith({ index: LOOPBACK + 1, name: 'eth1' })
  const vlan = linkWith({ index: 5, name: 'eth0.5', mac: own, lower: device.index, vlan: vlanOf(5) })
  const ofOther = linkWith({ index: 6, name: 'eth1.6', mac: own, lower: other.index, vlan: vlanOf(6) })
  const within = linkWith({ index: 7, name: 'eth0.5.7', lower: vlan.index, vlan: vlanOf(7) })
  const links = [device, other, vlan, ofOther, within]
  const devices = new Map([device, other].map(({ index }) => [index, balancerMac]))
  const stacked = [vlanOf(5), vlanOf(7)]
  t.beforeEach(() => {
    program.clear()
    program.hops.tag(71, [5])
    stations.learn(links, devices)
  })

  t.test('hears what is addressed to that, and to its interface below', async t => {
    t.equal(program.send({ to: own, vlans: [5] }).verdict, 'tx')
    t.equal(program.send({ vlans: [5] }).verdict, 'tx')
    t.equal(program.send({ to: own, vlans: stacked }).verdict, 'tx', 'and so do VLANs in it')
    for (const frame of fragmentsOf({ to: own, vlans: [5], payload: 200 }, 104))
      t.equal(program.send(frame).verdict, 'tx', 'fragments too')
  })

  t.test('has it in that VLAN of that interface only', async t => {
    for (const vlans of [[], [6], [5, 5], [{ id: 5, protocol: '802.1ad' } as const]])
      t.equal(program.send({ to: own, vlans }).verdict, 'pass_not_ours')
    t.equal(program.send({ to: mac('02:00:00:00:05:1c'), vlans: [5] }).verdict, 'pass_not_ours')
  })

  t.test('has it no longer than it is so', async t => {
    stations.learn([device, { ...vlan, mac: balancerMac }], devices)
    t.equal(program.send({ to: own, vlans: [5] }).verdict, 'pass_not_ours')
    stations.learn(links, devices)
    t.equal(program.send({ to: own, vlans: [5] }).verdict, 'tx')
    stations.learn(links, new Map())
    t.equal(
      program.send({ to: own, vlans: [5] }).verdict,
      'pass_not_ours',
      'nor on an interface that is left',
    )
  })
})

function vlanOf(id: number): Vlan {
  return { id, protocol: '802.1Q' }
}
