import type { Alert } from './alert.js'

/** Who writes to whom. */
export interface Letterhead {
  /** Names this node in the subject. */
  readonly routerId: string
  /** `svr1@mydomain.com`, `Balancer <svr1@mydomain.com>` */
  readonly from: string
  readonly to: readonly string[]
}

/**
 * A mail as keepalived writes it, byte for byte (keepalived/core/smtp.c), for scripts that read it; without the dot
 * at its end.
 */
export function formatMessage(
  { subject, body }: Alert,
  { routerId, from, to }: Letterhead,
  at: Date,
): string {
  const headers = [
    ['Date', formatDate(at)],
    ['From', from],
    ['Subject', `[${routerId}] ${subject}`],
    ['X-Mailer', 'Keepalived'],
    ['To', to.join(', ')],
  ]
  return [...headers.map(([name, value = '']) => `${name}: ${oneLine(value)}`), '', body, '', ''].join('\r\n')
}

/** What goes into an envelope: `root@mydomain.com` of `Root <root@mydomain.com>`, as keepalived 2.4 does it. */
export function mailboxOf(recipient: string): string {
  return recipient.endsWith('>') ? recipient.slice(recipient.lastIndexOf('<') + 1, -1) : recipient
}

/** A name of the configuration must not begin a header of its own. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** RFC 5322 §3.3, local time: `Sun, 22 Nov 2026 08:33:53 +0000`. */
function formatDate(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const minutes = -at.getTimezoneOffset()
  const zone = two(Math.floor(Math.abs(minutes) / 60)) + two(Math.abs(minutes) % 60)
  const date = `${DAYS[at.getDay()]}, ${two(at.getDate())} ${MONTHS[at.getMonth()]} ${at.getFullYear()}`
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
  return `${date} ${time} ${minutes < 0 ? '-' : '+'}${zone}`
}
