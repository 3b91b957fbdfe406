import t from 'tap'
import { vlanStackOf } from '../../lib/dataplane/vlan-stack.js'
import { encodeTags } from '../../lib/dataplane/vlan-tags.js'
import type { Link } from '../../lib/net/netlink/link.js'
import { linkWith } from '../tools/link.js'

const customer = { id: 200, protocol: '802.1Q' } as const
const provider = { id: 100, protocol: '802.1ad' } as const

const eth0 = linkWith({ index: 2, name: 'eth0' })
const outer = linkWith({ index: 3, name: 'eth0.100', vlan: provider, lower: 2 })
const inner = linkWith({ index: 4, name: 'eth0.100.200', vlan: customer, lower: 3 })
const third = linkWith({ index: 5, name: 'eth0.100.200.3', vlan: { ...customer, id: 3 }, lower: 4 })
const elsewhere = linkWith({ index: 6, name: 'guest', vlan: customer, lower: undefined })
const veth = linkWith({ index: 7, name: 'veth0', kind: 'veth', lower: 2 })

const links = [eth0, outer, inner, third, elsewhere, veth]

function stackOf(link: Link) {
  return vlanStackOf(link, ifindex => links.find(({ index }) => index === ifindex))
}

t.test('below an interface', async t => {
  t.test('that is no VLAN is nothing, not even the other end of a veth', async t => {
    t.strictSame(stackOf(eth0), { links: [eth0], device: eth0, tags: 0 })
    t.strictSame(stackOf(veth), { links: [veth], device: veth, tags: 0 })
  })

  t.test('that is a VLAN is the device that its frames are tagged on', async t => {
    t.strictSame(stackOf(outer), { links: [outer, eth0], device: eth0, tags: encodeTags([provider]) })
  })

  t.test('that is a VLAN in a VLAN are both, the tag of the outer one first', async t => {
    const tags = encodeTags([provider, customer])
    t.strictSame(stackOf(inner), { links: [inner, outer, eth0], device: eth0, tags })
    t.equal(tags.toString(16), '306410c8')
  })

  t.test('are no more than two tags, nor what is in another network namespace', async t => {
    t.match(stackOf(third), { reason: 'frames of eth0.100.200.3 have 3 VLAN tags, expected 2 at most' })
    t.match(stackOf(elsewhere), { reason: /^guest is a VLAN of an interface that is not in this/ })
  })
})
