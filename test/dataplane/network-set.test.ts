import t from 'tap'
import { parseAddress } from '../../lib/address.js'
import { NetworkSet } from '../../lib/dataplane/network-set.js'
import { parseNetwork } from '../../lib/network.js'

function covers(networks: readonly string[], address: string): boolean {
  const set = new NetworkSet()
  for (const network of networks) set.add(parseNetwork(network))
  return set.covers(parseAddress(address))
}

t.test('an address is covered by any network of its family that it is in', async t => {
  const networks = ['10.0.0.0/8', '192.0.2.128/25', '2001:db8::/32', '::/0']
  for (const inside of ['10.255.0.1', '192.0.2.129', '2001:db8::1', 'fe80::1'])
    t.ok(covers(networks, inside), inside)
  for (const outside of ['11.0.0.1', '192.0.2.127']) t.notOk(covers(networks, outside), outside)
  t.ok(covers(['0.0.0.0/0'], '192.0.2.1'))
  t.notOk(covers(['0.0.0.0/0'], '2001:db8::1'))
  t.notOk(covers([], '10.0.0.1'))
})
