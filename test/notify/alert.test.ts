import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from '../../lib/address.js'
import { realServerAlert, vrrpInstanceAlert } from '../../lib/notify/alert.js'
import { formatMessage, mailboxOf } from '../../lib/notify/message.js'

const service = { address: parseAddress('10.0.0.1'), port: 80, protocol: 'tcp' } as const
const real = { address: parseAddress('10.0.0.71'), port: 80 }
const letterhead = { routerId: 'LVS_1', from: 'svr1@mydomain.com', to: ['root@mydomain.com'] }
const noon = new Date('2026-11-22T08:33:53Z')

const homeZone = process.env.TZ
t.beforeEach(() => {
  process.env.TZ = 'UTC'
})
t.teardown(() => {
  if (homeZone === undefined) delete process.env.TZ
  else process.env.TZ = homeZone
})

t.test('a mail has the bytes that keepalived sends', async t => {
  const down = realServerAlert({ service, real, up: false, cause: 'TCP CHECK failed on service' })
  t.equal(
    formatMessage(down, letterhead, noon),
    'Date: Sun, 22 Nov 2026 08:33:53 +0000\r\n' +
      'From: svr1@mydomain.com\r\n' +
      'Subject: [LVS_1] Realserver [10.0.0.71]:tcp:80 of virtual server [10.0.0.1]:tcp:80 - DOWN\r\n' +
      'X-Mailer: Keepalived\r\n' +
      'To: root@mydomain.com\r\n' +
      '\r\n' +
      '=> TCP CHECK failed on service <=\r\n' +
      '\r\n',
  )
})

t.test('a real that is back is UP', async t => {
  t.same(realServerAlert({ service, real, up: true, cause: 'TCP CHECK succeed on service' }), {
    subject: 'Realserver [10.0.0.71]:tcp:80 of virtual server [10.0.0.1]:tcp:80 - UP',
    body: '=> TCP CHECK succeed on service <=',
  })
})

t.test('IPv6 addresses and other protocols are named as keepalived names them', async t => {
  const service = { address: parseAddress('2001:db8::1'), port: 53, protocol: 'udp' } as const
  const real = { address: parseAddress('2001:db8::71'), port: 5353 }
  const { subject } = realServerAlert({ service, real, up: false, cause: '' })
  t.equal(subject, 'Realserver [2001:db8::71]:udp:5353 of virtual server [2001:db8::1]:udp:53 - DOWN')
})

t.test('an instance says which state it enters, and what that means for its addresses', async t => {
  for (const [state, subject, body] of [
    ['MASTER', 'Entering MASTER state', '=> VRRP Instance is now owning VRRP VIPs <='],
    ['BACKUP', 'Entering BACKUP state', '=> VRRP Instance is no longer owning VRRP VIPs <='],
    ['FAULT', 'Entering FAULT state', '=> VRRP Instance is no longer owning VRRP VIPs <='],
    ['STOP', 'Stopping', '=> VRRP Instance stopping <='],
  ] as const) {
    const alert = vrrpInstanceAlert({ name: 'external', state })
    t.same(alert, { subject: `VRRP Instance external - ${subject}`, body }, state)
  }
})

t.test('all recipients stand in one header', async t => {
  const text = formatMessage({ subject: 's', body: 'b' }, { ...letterhead, to: ['a@b.c', 'd@e.f'] }, noon)
  t.match(text, '\r\nTo: a@b.c, d@e.f\r\n\r\nb\r\n\r\n')
})

t.test('the date is local time, with the zone', async t => {
  for (const [zone, date] of [
    ['Asia/Kolkata', 'Sun, 22 Nov 2026 14:03:53 +0530'],
    ['America/St_Johns', 'Sun, 22 Nov 2026 05:03:53 -0330'],
    ['Pacific/Auckland', 'Sun, 22 Nov 2026 21:33:53 +1300'],
  ]) {
    process.env.TZ = zone
    t.match(formatMessage({ subject: '', body: '' }, letterhead, noon), `Date: ${date}\r\n`)
  }
  process.env.TZ = 'UTC'
  t.match(
    formatMessage({ subject: '', body: '' }, letterhead, new Date('2027-02-03T04:05:06Z')),
    'Date: Wed, 03 Feb 2027 04:05:06 +0000\r\n',
  )
})

t.test('whatever the names are, a mail has five headers, an empty line and its body', async t => {
  const name = fc.string({ unit: fc.constantFrom('a', ' ', '\r', '\n', ':', 'ü') })
  const shape = fc.property(name, name, fc.array(name), (routerId, from, to) => {
    const lines = formatMessage({ subject: 's', body: 'b' }, { routerId, from, to }, noon).split('\r\n')
    return lines.slice(5).join() === ',b,,' && !lines.some(line => /[\r\n]/.test(line))
  })
  t.doesNotThrow(() => fc.assert(shape))
})

t.test('an envelope has the address alone', async t => {
  t.equal(mailboxOf('root@mydomain.com'), 'root@mydomain.com')
  t.equal(mailboxOf('Root of <all> evil <root@mydomain.com>'), 'root@mydomain.com')
  t.equal(mailboxOf('<root@mydomain.com>'), 'root@mydomain.com')
  t.equal(mailboxOf('root'), 'root')
})
