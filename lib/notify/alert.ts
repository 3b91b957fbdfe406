import { type Endpoint, keepalivedName, keepalivedRealName, type ServiceName } from '../service.js'

/** What a mail says, apart from who sends it. */
export interface Alert {
  readonly subject: string
  readonly body: string
}

export interface RealServerNews {
  readonly service: ServiceName
  readonly real: Endpoint
  readonly up: boolean
  /** `TCP CHECK failed on service` */
  readonly cause: string
}

export interface VrrpInstanceNews {
  readonly name: string
  readonly state: VrrpInstanceState
}

export type VrrpInstanceState = keyof typeof VRRP_ALERTS

const VRRP_ALERTS = {
  MASTER: ['Entering MASTER state', 'VRRP Instance is now owning VRRP VIPs'],
  BACKUP: ['Entering BACKUP state', 'VRRP Instance is no longer owning VRRP VIPs'],
  FAULT: ['Entering FAULT state', 'VRRP Instance is no longer owning VRRP VIPs'],
  STOP: ['Stopping', 'VRRP Instance stopping'],
} as const

export function realServerAlert({ service, real, up, cause }: RealServerNews): Alert {
  const name = keepalivedRealName(real, service)
  const subject = `Realserver ${name} of virtual server ${keepalivedName(service)} - ${up ? 'UP' : 'DOWN'}`
  return { subject, body: inArrows(cause) }
}

export function vrrpInstanceAlert({ name, state }: VrrpInstanceNews): Alert {
  const [event, meaning] = VRRP_ALERTS[state]
  return { subject: `VRRP Instance ${name} - ${event}`, body: inArrows(meaning) }
}

function inArrows(text: string): string {
  return `=> ${text} <=`
}
