import t from 'tap'
import { addressBytes, parseAddress } from '../lib/address.js'
import { formatNetwork, networkTest, parseNetwork } from '../lib/network.js'

function has(network: string, address: string): boolean {
  return networkTest(parseNetwork(network))(addressBytes(parseAddress(address)))
}

t.test('a network has the addresses that begin as it does, of its own family', async t => {
  t.ok(has('10.0.0.0/8', '10.255.0.1'))
  t.notOk(has('10.0.0.0/8', '11.0.0.1'))
  t.ok(has('10.1.2.3/22', '10.1.3.255'), 'bits behind the prefix do not count')
  t.notOk(has('10.1.2.3/22', '10.1.4.0'))
  t.ok(has('0.0.0.0/0', '192.0.2.1'))
  t.notOk(has('0.0.0.0/0', '2001:db8::1'))
  t.ok(has('2001:db8::/33', '2001:db8:7fff::1'))
  t.notOk(has('2001:db8::/33', '2001:db8:8000::1'))
  t.ok(has('10.0.0.1', '10.0.0.1'))
  t.notOk(has('10.0.0.1', '10.0.0.2'), 'without a prefix it is one address')
})

t.test('a network is read from text and printed back', async t => {
  for (const text of ['10.0.0.0/8', '2001:db8::/32']) t.equal(formatNetwork(parseNetwork(text)), text)
  t.equal(formatNetwork(parseNetwork('10.0.0.1')), '10.0.0.1/32')
  for (const text of ['', '10.0.0.0/33', '2001:db8::/129', '10.0.0/8', '10.0.0.0/', 'x/8', '10.0.0.0/8/8'])
    t.throws(() => parseNetwork(text), { code: 'USAGE', message: `"${text}", expected ADDRESS` }, text)
})
