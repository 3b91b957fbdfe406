import t from 'tap'
import { hiddenTags } from '../../lib/dataplane/hidden-tags.js'
import { linkWith } from '../tools/link.js'

const vlan = { id: 5, protocol: '802.1Q' } as const
const eth0 = linkWith({ index: 2, name: 'eth0' })
const eth0Vlan = linkWith({ index: 3, name: 'eth0.5', vlan, lower: 2 })
const eth1 = linkWith({ index: 4, name: 'eth1' })
const bond0 = linkWith({ index: 5, name: 'bond0', kind: 'bond' })
const port = linkWith({ index: 6, name: 'eth2', master: 5 })
const bondVlan = linkWith({ index: 7, name: 'bond0.5', vlan, lower: 5 })
const veth = linkWith({ index: 8, name: 'veth0', kind: 'veth' })
const vethVlan = linkWith({ index: 9, name: 'veth0.5', vlan, lower: 8 })
const links = [eth0, eth0Vlan, eth1, bond0, port, bondVlan, veth, vethVlan]

t.test('VLAN tags', async t => {
  t.test('are hidden by cards that take them off, on devices that have VLANs', async t => {
    const hidden = (...names: string[]) =>
      hiddenTags(names, links, () => true).map(line => line.split(':')[0])
    t.strictSame(hidden('eth0'), ['eth0'])
    t.strictSame(hidden('eth0.5', 'eth0'), ['eth0'], 'said once, whatever the device is called by')
    t.strictSame(hidden('eth1', 'gone'), [])
    t.strictSame(hidden('bond0.5'), ['bond0', 'eth2'], 'or by the ports of a bond')
    t.match(
      hiddenTags(['eth0'], links, () => true),
      [/takes VLAN tags off frames .*on \[fixed\]/],
    )
  })

  t.test('show on others, but for those that a veth has been handed beside a frame', async t => {
    t.strictSame(
      hiddenTags(['eth0', 'eth1', 'bond0'], links, () => false),
      [],
    )
    t.match(
      hiddenTags(['veth0'], links, () => false),
      [/^veth0: .*"ethtool -K OTHER-END txvlan off"/],
    )
  })
})
