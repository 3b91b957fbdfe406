import t from 'tap'
import { parseAddress } from '../lib/address.js'
import { XdplbError } from '../lib/errors.js'
import { formatService, keepalivedName, keepalivedRealName, parseService } from '../lib/service.js'

t.test('a service is written in one way, and read back', t => {
  const names = {
    '10.0.0.1:80/tcp': { address: parseAddress('10.0.0.1'), port: 80, protocol: 'tcp' },
    '[2001:db8::1]:53/udp': { address: parseAddress('2001:db8::1'), port: 53, protocol: 'udp' },
    '10.0.0.1:0/sctp': { address: parseAddress('10.0.0.1'), port: 0, protocol: 'sctp' },
    'fwmark 5': { fwmark: 5, family: 4 },
    'fwmark 4294967295 inet6': { fwmark: 4294967295, family: 6 },
    'group web/tcp': { group: 'web', protocol: 'tcp' },
    'group a b/tcp/udp': { group: 'a b/tcp', protocol: 'udp' },
  } as const
  for (const [text, name] of Object.entries(names)) {
    t.equal(formatService(name), text)
    t.same(parseService(text), name)
  }
  t.match(
    parseService('[2001:DB8:0::1]:53/udp'),
    { address: '2001:db8::1' },
    'in any notation of the address',
  )
  t.end()
})

t.test('other texts are refused with what is expected', t => {
  const expected = 'ADDRESS:PORT/tcp, /udp or /sctp, fwmark N, or group NAME/tcp, /udp or /sctp'
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
    'fwmark',
    'fwmark -1',
    'fwmark 5 inet4',
    'group web',
    'group web/icmp',
  ]
  for (const text of refused) {
    t.throws(
      () => parseService(text),
      new XdplbError('USAGE', `parse service: "${text}", expected ${expected}`),
      text,
    )
  }
  t.end()
})

t.test('in log and mail they are called as keepalived calls them', t => {
  const real = { address: parseAddress('10.0.0.71'), port: 80 }
  const names = {
    '10.0.0.1:80/tcp': ['[10.0.0.1]:tcp:80', '[10.0.0.71]:tcp:80'],
    '[2001:db8::1]:53/udp': ['[2001:db8::1]:udp:53', '[10.0.0.71]:udp:80'],
    'fwmark 5 inet6': ['FWM 5', '[10.0.0.71]:none:80'],
    'group web/sctp': ['[web]:0', '[10.0.0.71]:sctp:80'],
  }
  for (const [text, said] of Object.entries(names)) {
    const service = parseService(text)
    t.same([keepalivedName(service), keepalivedRealName(real, service)], said)
  }
  t.end()
})
