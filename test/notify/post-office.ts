import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Test } from 'tap'
import { Mailer, type MailSettings } from '../../lib/notify/mailer.js'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  readonly helo: string
  readonly encrypted: boolean
  readonly text: string
}

/** A real SMTP server on loopback, and what it got. */
export async function openPostOffice(t: Test, options: SMTPServerOptions = {}) {
  const mails: ReceivedMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    logger: false, // of the certificate that it offers
    ...options,
    onData(stream, session, done) {
      const { mailFrom, rcptTo } = session.envelope
      text(stream).then(text => {
        mails.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          helo: session.hostNameAppearsAs,
          encrypted: session.secure,
          text,
        })
        done()
      }, done)
    },
  })
  server.on('error', () => {}) // clients that go away
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  t.teardown(() => new Promise<void>(resolve => server.close(() => resolve())))
  return { mails, port: portOf(server.server) }
}

/** A server that does with each client what it is told to. */
export async function openCounter(t: Test, serve: (client: Socket) => void): Promise<number> {
  const server = createServer(client => {
    client.on('error', () => {}) // it goes away as it likes
    serve(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return portOf(server)
}

/** A mailer that writes to root, and its warnings. */
export function openMailer(t: Test, port: number, settings: Partial<MailSettings> = {}) {
  const mailer = new Mailer({
    notificationEmail: ['root@mydomain.com'],
    smtpServer: { host: '127.0.0.1', port },
    smtpConnectTimeoutSeconds: 30,
    ...settings,
  })
  const warnings: string[] = []
  mailer.on('warning', ({ message }) => warnings.push(message))
  t.teardown(() => mailer.close({ deadlineMs: 0 }))
  return { mailer, warnings }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}
