import { once } from 'node:events'
import { hostname, userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { parseAddress } from '../../lib/address.js'
import { Mailer } from '../../lib/notify/mailer.js'
import { openCounter, openMailer, openPostOffice } from './post-office.js'

t.jobs = 12

const service = { address: parseAddress('10.0.0.1'), port: 80, protocol: 'tcp' } as const
const real = { address: parseAddress('10.0.0.71'), port: 80 }
const down = { service, real, up: false, cause: 'TCP CHECK failed on service' }
const up = { service, real, up: true, cause: 'TCP CHECK succeed on service' }
const subject = 'Realserver [10.0.0.71]:tcp:80 of virtual server [10.0.0.1]:tcp:80 - DOWN'

const statesOf = (mails: readonly { text: string }[]) =>
  mails.map(({ text }) => /^Subject: .* - (.*)\r$/m.exec(text)?.[1])

t.test('an alert arrives in a mail server, in plain SMTP, with the bytes of keepalived', async t => {
  const { mails, port } = await openPostOffice(t)
  const { mailer, warnings } = openMailer(t, port, {
    notificationEmailFrom: 'Balancer <svr1@mydomain.com>',
    notificationEmail: ['root@mydomain.com', 'The boss <boss@mydomain.com>'],
    routerId: 'LVS_1',
    smtpHeloName: 'lb1.mydomain.com',
  })
  mailer.realServer(down)
  await mailer.close()
  t.same(warnings, [])
  const [{ text, ...envelope } = { text: '' }, ...more] = mails
  t.same(more, [])
  t.same(envelope, {
    from: 'svr1@mydomain.com',
    to: ['root@mydomain.com', 'boss@mydomain.com'],
    helo: 'lb1.mydomain.com',
    encrypted: false,
  })
  const [date, ...rest] = text.split('\r\n')
  t.match(date, /^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$/)
  t.same(rest, [
    'From: Balancer <svr1@mydomain.com>',
    `Subject: [LVS_1] ${subject}`,
    'X-Mailer: Keepalived',
    'To: root@mydomain.com, The boss <boss@mydomain.com>',
    '',
    '=> TCP CHECK failed on service <=',
    '',
    '',
  ])
})

t.test('an old server that knows HELO alone gets the very bytes that keepalived would send', async t => {
  const said: string[] = []
  const port = await openCounter(t, client => {
    let inData = false
    client.write('220 old\r\n')
    client.on('data', chunk => {
      const text = chunk.toString()
      said.push(text)
      if (inData && !text.endsWith('\r\n.\r\n')) return
      const word = inData ? '.' : text.slice(0, 4)
      inData = word === 'DATA'
      client.write(`${{ EHLO: 502, DATA: 354, QUIT: 221 }[word] ?? 250} ok\r\n`)
    })
  })
  const { mailer, warnings } = openMailer(t, port, {
    notificationEmailFrom: 'a@b.c',
    notificationEmail: ['root'],
    routerId: 'R',
    smtpHeloName: 'lb1',
  })
  mailer.vrrpInstance({ name: 'external', state: 'MASTER' })
  await mailer.close()
  t.same(warnings, [])
  t.equal(
    said.join('').replace(/Date: .*/, 'Date:'),
    'EHLO lb1\r\nHELO lb1\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<root>\r\nDATA\r\n' +
      'Date:\r\nFrom: a@b.c\r\nSubject: [R] VRRP Instance external - Entering MASTER state\r\n' +
      'X-Mailer: Keepalived\r\nTo: root\r\n\r\n' +
      '=> VRRP Instance is now owning VRRP VIPs <=\r\n\r\n.\r\nQUIT\r\n',
  )
})

t.test('without names in the configuration it is this user on this host', async t => {
  const { mails, port } = await openPostOffice(t)
  const { mailer } = openMailer(t, port, { smtpServer: { host: 'localhost', port } })
  mailer.realServer(down)
  await mailer.close()
  const me = `${userInfo().username}@${hostname()}`
  t.match(mails, [{ from: me, helo: hostname(), text: `\r\nFrom: ${me}\r\nSubject: [${hostname()}] ` }])
})

t.test('mails arrive one after the other, in the order of the news', async t => {
  let clients = 0
  let most = 0
  const { mails, port } = await openPostOffice(t, {
    onConnect(_session, done) {
      most = Math.max(most, ++clients)
      done()
    },
    onClose() {
      clients -= 1
    },
  })
  const { mailer } = openMailer(t, port)
  mailer.realServer(down)
  mailer.realServer(up)
  for (const state of ['BACKUP', 'MASTER', 'FAULT', 'STOP'] as const) {
    mailer.vrrpInstance({ name: 'external', state })
  }
  await mailer.close({ deadlineMs: 10_000 })
  t.same(statesOf(mails), [
    'DOWN',
    'UP',
    'Entering BACKUP state',
    'Entering MASTER state',
    'Entering FAULT state',
    'Stopping',
  ])
  t.equal(most, 1)
})

t.test('a state that was mailed last is not mailed again, each object for itself', async t => {
  const { mails, port } = await openPostOffice(t)
  const { mailer } = openMailer(t, port)
  const other = { ...service, port: 443 }
  for (const news of [down, down, { ...down, service: other }, up, down, up, up]) mailer.realServer(news)
  for (const name of ['a', 'b', 'b']) mailer.vrrpInstance({ name, state: 'BACKUP' })
  await mailer.close({ deadlineMs: 10_000 })
  t.same(statesOf(mails), [
    ...['DOWN', 'DOWN', 'UP', 'DOWN', 'UP'],
    ...['Entering BACKUP state', 'Entering BACKUP state'],
  ])
})

t.test('without a server, or without anybody to write to, no mail is sent', async t => {
  const port = await openCounter(t, () => t.fail('connected'))
  const { mailer, warnings } = openMailer(t, port, { notificationEmail: [] })
  mailer.realServer(down)
  await mailer.close()
  t.same(warnings, [])
  await using silent = new Mailer({ notificationEmail: ['a@b.c'], smtpConnectTimeoutSeconds: 1 })
  silent.realServer(down)
})

t.test('one recipient that is refused does not keep the mail from the others', async t => {
  const { mails, port } = await openPostOffice(t, {
    onRcptTo({ address }, _session, done) {
      done(address === 'gone@b.c' ? new Error('no such user') : null)
    },
  })
  const { mailer, warnings } = openMailer(t, port, { notificationEmail: ['gone@b.c', 'a@b.c'] })
  mailer.realServer(down)
  await mailer.close()
  t.match(mails, [{ to: ['a@b.c'] }])
  t.same(warnings, [`mail alert by 127.0.0.1:${port}: ${subject}: refused for gone@b.c`])
})

t.test('what a server answers that takes no mail is a warning', async t => {
  const { mails, port } = await openPostOffice(t, {
    onMailFrom(_address, _session, done) {
      done(new Error('go away'))
    },
  })
  const { mailer, warnings } = openMailer(t, port)
  mailer.realServer(down)
  await mailer.close()
  t.same(mails, [])
  t.match(warnings, [/^mail alert by 127.0.0.1:\d+: Realserver .* - DOWN: .*go away$/])
})

t.test('a server that is not there costs a warning, and the next alert is tried anew', async t => {
  const { mailer, warnings } = openMailer(t, 1, { smtpServer: { host: 'localhost', port: 1 } })
  mailer.realServer(down)
  await once(mailer, 'warning')
  mailer.realServer(up)
  await mailer.close()
  t.match(warnings, [/DOWN: .*ECONNREFUSED 127\.0\.0\.1:1/, /UP: .*ECONNREFUSED 127\.0\.0\.1:1/])
})

t.test('a server that hangs up is a warning', async t => {
  const atOnce = openMailer(t, await openCounter(t, client => client.end()))
  atOnce.mailer.realServer(down)
  const later = openMailer(t, await openCounter(t, client => client.end('220 hello, and good bye\r\n')))
  later.mailer.realServer(down)
  await Promise.all([atOnce.mailer.close(), later.mailer.close()])
  t.match([...atOnce.warnings, ...later.warnings], [/DOWN: .*closed/, /DOWN: .*closed/])
})

t.test('a server that says nothing is given smtp_connect_timeout', async t => {
  const { mailer, warnings } = openMailer(t, await openCounter(t, () => {}), {
    smtpConnectTimeoutSeconds: 1,
  })
  mailer.realServer(down)
  await mailer.close({ deadlineMs: 20_000 })
  t.match(warnings, [/DOWN: Greeting never received$/])
})

t.test('who has news never waits: the oldest are given up, and counted', async t => {
  const { mails, port } = await openPostOffice(t)
  const { mailer, warnings } = openMailer(t, port)
  for (let n = 0; n < 300; n++) mailer.vrrpInstance({ name: `vi${n}`, state: 'BACKUP' })
  t.same(mails, [])
  await once(mailer, 'warning')
  t.same(warnings, ['mail alerts: 43 given up: more than 256 were waiting'])
  while (mails.length < 2) await sleep(10)
  await mailer.close({ deadlineMs: 0 })
  const names = mails.map(({ text }) => /Instance (\S+)/.exec(text)?.[1])
  t.same(names.slice(0, 2), ['vi0', 'vi44'])
})

t.test('closing sends what waits until the deadline, and says what was given up', async t => {
  const port = await openCounter(t, () => {})
  const { mailer, warnings } = openMailer(t, port)
  mailer.realServer(down)
  mailer.vrrpInstance({ name: 'external', state: 'MASTER' })
  mailer.vrrpInstance({ name: 'external', state: 'STOP' })
  const closed = mailer.close({ deadlineMs: 100 })
  t.equal(mailer.close(), closed)
  await closed
  t.same(warnings, [
    'mail alerts: 2 given up: this process stopped first',
    `mail alert by 127.0.0.1:${port}: ${subject}: this process stopped first`,
  ])
  t.throws(() => mailer.realServer(up), { code: 'CLOSED' })
  t.throws(() => mailer.vrrpInstance({ name: 'external', state: 'STOP' }), { code: 'CLOSED' })
})
