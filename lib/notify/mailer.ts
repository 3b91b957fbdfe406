import { EventEmitter } from 'node:events'
import { hostname, userInfo } from 'node:os'
import { messageOf, XdplbError } from '../errors.js'
import { keepalivedName, keepalivedRealName } from '../service.js'
import {
  type Alert,
  type RealServerNews,
  realServerAlert,
  type VrrpInstanceNews,
  vrrpInstanceAlert,
} from './alert.js'
import { deliver, type MailServer } from './deliver.js'
import { formatMessage, type Letterhead, mailboxOf } from './message.js'

/** As `global_defs` has them. */
export interface MailSettings {
  /** Who gets mail; nobody: none is sent. */
  readonly notificationEmail: readonly string[]
  /** @default user@host of this process */
  readonly notificationEmailFrom?: string
  /** Absent: no mail is sent. */
  readonly smtpServer?: Pick<MailServer, 'host' | 'port'>
  readonly smtpConnectTimeoutSeconds: number
  /** @default the name of this host */
  readonly smtpHeloName?: string
  /** @default the name of this host */
  readonly routerId?: string
}

export interface MailerEvents {
  /** Mail was not sent, or not to all; that nobody listens is no error. */
  warning: [{ readonly message: string }]
}

/** What is waiting to be sent. */
interface Letter {
  readonly subject: string
  readonly text: string
}

const MAX_WAITING = 256
const STOPPED = 'this process stopped first'

/**
 * Sends keepalived's alerts by mail, one at a time and in order. Whoever has news never waits: it is queued, and where
 * more are waiting than the queue holds the oldest are given up. Mail that a server does not take is not tried again,
 * as with keepalived.
 *
 * Callers decide by `smtpAlert` of the object what they tell; a state that was mailed last is not mailed again.
 */
export class Mailer extends EventEmitter<MailerEvents> implements AsyncDisposable {
  readonly #letterhead: Letterhead
  readonly #server: MailServer | undefined
  readonly #abort = new AbortController()
  /** What was mailed last of each object. */
  readonly #mailed = new Map<string, string>()
  readonly #waiting: Letter[] = []
  /** Given up for newer ones, and not said yet. */
  #crowdedOut = 0
  #sending: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(settings: MailSettings) {
    super()
    const { smtpServer, notificationEmail: to, smtpConnectTimeoutSeconds: seconds } = settings
    const { notificationEmailFrom: from = `${userName()}@${hostname()}`, routerId = hostname() } = settings
    const { smtpHeloName: heloName = hostname() } = settings
    this.#letterhead = { routerId, from, to }
    if (smtpServer && to.length > 0) this.#server = { ...smtpServer, heloName, timeoutMs: seconds * 1000 }
  }

  /** Throws `CLOSED`. */
  realServer(news: RealServerNews): void {
    const { service, real, up } = news
    const name = keepalivedRealName(real, service)
    this.#tell(`${name} of ${keepalivedName(service)}`, String(up), realServerAlert(news))
  }

  /** Throws `CLOSED`. */
  vrrpInstance(news: VrrpInstanceNews): void {
    this.#tell(`instance ${news.name}`, news.state, vrrpInstanceAlert(news))
  }

  /** Sends what is waiting, and gives up what is not sent by then. */
  close({ deadlineMs = 2000 }: { deadlineMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(deadlineMs)
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #tell(object: string, state: string, alert: Alert): void {
    if (this.#closed) throw new XdplbError('CLOSED', `mail alert: ${alert.subject}: the mailer is closed`)
    if (!this.#server || this.#mailed.get(object) === state) return
    this.#mailed.set(object, state)
    if (this.#waiting.length === MAX_WAITING) {
      this.#waiting.shift()
      this.#crowdedOut += 1
    }
    this.#waiting.push({
      subject: alert.subject,
      text: formatMessage(alert, this.#letterhead, new Date()),
    })
    this.#sending ??= this.#sendAll(this.#server)
  }

  async #sendAll(server: MailServer): Promise<void> {
    for (let letter = this.#waiting.shift(); letter; letter = this.#waiting.shift()) {
      await this.#send(letter, server)
      if (this.#crowdedOut > 0) this.#giveUp(this.#crowdedOut, `more than ${MAX_WAITING} were waiting`)
      this.#crowdedOut = 0
    }
    this.#sending = undefined
  }

  async #send({ subject, text }: Letter, server: MailServer): Promise<void> {
    const { from, to } = this.#letterhead
    const envelope = { from: mailboxOf(from), to: to.map(mailboxOf) }
    const object = `mail alert by ${server.host}:${server.port}: ${subject}`
    try {
      const refused = await deliver(text, envelope, server, this.#abort.signal)
      if (refused.length > 0) this.#warn(`${object}: refused for ${refused.join(', ')}`)
    } catch (error) {
      this.#warn(`${object}: ${this.#abort.signal.aborted ? STOPPED : messageOf(error)}`)
    }
  }

  async #close(deadlineMs: number): Promise<void> {
    const deadline = setTimeout(() => {
      const unsent = this.#waiting.splice(0).length
      if (unsent > 0) this.#giveUp(unsent, STOPPED)
      this.#abort.abort()
    }, deadlineMs)
    await this.#sending
    clearTimeout(deadline)
  }

  #giveUp(count: number, reason: string): void {
    this.#warn(`mail alerts: ${count} given up: ${reason}`)
  }

  #warn(message: string): void {
    this.emit('warning', { message })
  }
}

/** A process may run as somebody who has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'xdplb'
  }
}
