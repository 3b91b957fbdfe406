import type { Connection } from '../lib/connection.js'

export const connectionHeadings: readonly string[] = [
  'IPVS connection entries',
  'pro expire state       source             virtual            destination',
]

/** A line as `ipvsadm -Lnc` prints it. */
export function connectionLine({
  protocol,
  expiresSeconds,
  state,
  client,
  virtual,
  real,
}: Connection): string {
  const cells = [protocol.toUpperCase().padEnd(3), minutes(expiresSeconds).padEnd(6), state.padEnd(11)]
  return [...cells, client.padEnd(18), virtual.padEnd(18), real].join(' ')
}

function minutes(seconds: number): string {
  const whole = Math.floor(seconds)
  return [Math.floor(whole / 60), whole % 60].map(number => String(number).padStart(2, '0')).join(':')
}
