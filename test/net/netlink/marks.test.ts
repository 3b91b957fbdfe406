import t from 'tap'
import { parseAddress } from '../../../lib/address.js'
import type { InterfaceAddress } from '../../../lib/net/netlink/address.js'
import { ourAddresses, ourProtocol } from '../../../lib/net/netlink/marks.js'

const KERNEL_LOOPBACK = 1

function address(text: string, protocol?: number): InterfaceAddress {
  return { ifindex: 1, address: parseAddress(text), prefixLength: 32, protocol }
}

t.test('addresses are told apart by the mark that the kernel keeps', async t => {
  const loopback = address('127.0.0.1', KERNEL_LOOPBACK)
  const ours = address('10.0.0.1', ourProtocol)
  t.strictSame(ourAddresses([loopback, ours, address('10.0.0.11')]), [ours])
  t.strictSame(ourAddresses([loopback, address('10.0.0.11')]), [])
})

t.test('any may be ours where the kernel keeps none, before Linux 5.18', async t => {
  const all = [address('127.0.0.1'), address('10.0.0.1')]
  t.strictSame(ourAddresses(all), all)
})
