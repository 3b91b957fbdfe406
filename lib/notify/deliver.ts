import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import SMTPConnection from 'nodemailer/lib/smtp-connection'

export interface MailServer {
  /** An address or a name. */
  readonly host: string
  readonly port: number
  /** What this host calls itself. */
  readonly heloName: string
  /** For the connection, and for each answer. */
  readonly timeoutMs: number
}

export interface Envelope {
  readonly from: string
  readonly to: readonly string[]
}

/**
 * Hands one message to a server, in plain SMTP as keepalived does: no TLS, no login. Gives the recipients that the
 * server refused while it took the message for others; throws what went wrong when nobody gets it, or `signal` says to
 * stop.
 */
export async function deliver(
  message: string,
  { from, to }: Envelope,
  server: MailServer,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { heloName: name, timeoutMs } = server
  // Not nodemailer's own connection: that asks a name server before /etc/hosts.
  const smtp = new SMTPConnection({
    connection: await dial(server, signal),
    name,
    ignoreTLS: true,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    socketCloseTimeout: 0,
  })
  const ended = new Promise<void>(resolve => smtp.once('end', resolve))
  const refused = new Promise<readonly string[]>((resolve, reject) => {
    smtp.on('error', reject)
    smtp.once('end', () => reject(new Error('the server closed the connection')))
    smtp.connect(error => {
      if (error) return reject(error)
      smtp.send({ from, to: [...to] }, message, (error, info) => {
        if (info) resolve(info.rejected)
        else reject(error)
        smtp.quit()
      })
    })
  })
  try {
    return await refused
  } finally {
    await ended
  }
}

async function dial({ host, port, timeoutMs }: MailServer, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host, port, signal })
  const timer = setTimeout(() => {
    socket.destroy(new Error(`no connection within ${timeoutMs / 1000} s`))
  }, timeoutMs)
  try {
    await once(socket, 'connect')
    return socket
  } finally {
    clearTimeout(timer)
  }
}
