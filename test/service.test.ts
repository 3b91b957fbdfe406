import t from 'tap'
import { parseAddress } from '../lib/address.js'
import { XdplbError } from '../lib/errors.js'
import { formatService, parseService } from '../lib/service.js'

t.test('a service is written as address, port and protocol, and read back', t => {
  const names = {
    '10.0.0.1:80/tcp': { address: parseAddress('10.0.0.1'), port: 80, protocol: 'tcp' },
    '[2001:db8::1]:53/udp': { address: parseAddress('2001:db8::1'), port: 53, protocol: 'udp' },
    '10.0.0.1:0/sctp': { address: parseAddress('10.0.0.1'), port: 0, protocol: 'sctp' },
  } as const
  for (const [text, name] of Object.entries(names)) {
    t.equal(formatService(name), text)
    t.same(parseService(text), name)
  }
  t.same(parseService('[2001:DB8:0::1]:53/udp').address, '2001:db8::1', 'in any notation of the address')
  t.end()
})

t.test('other texts are refused with what is expected', t => {
  const refused = [
    '',
    '10.0.0.1',
    '10.0.0.1:80',
    '10.0.0.1:80/icmp',
    '10.0.0.1:65536/tcp',
    '10.0.0.300:80/tcp',
    '10.0.0.1:/tcp',
    '2001:db8::1:53/udp',
    '[10.0.0.1]:80/tcp',
    '[2001:db8::1:53/udp',
    ' 10.0.0.1:80/tcp',
  ]
  for (const text of refused) {
    t.throws(
      () => parseService(text),
      new XdplbError('USAGE', `parse service: "${text}", expected ADDRESS:PORT/tcp, /udp or /sctp`),
      text,
    )
  }
  t.end()
})
