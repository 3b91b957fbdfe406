import { parseConfig } from '../../lib/config/index.js'

/** A service without a fault; the lines given stand from line 5 on. */
export function service(lines: string, real = ''): string {
  return `virtual_server 10.0.0.1 80 {
protocol TCP
lb_algo rr
lb_kind DR
${lines}
real_server 10.0.0.71 80 {
${real}
}
}`
}

/** An instance without a fault; the lines given stand from line 4 on. */
export function instance(lines: string, { addresses = '10.0.0.1/24', global = '' } = {}): string {
  return `${global}vrrp_instance V {
interface eth0
virtual_router_id 51
${lines}
virtual_ipaddress {
${addresses}
}
}`
}

/** `line:column severity code message; hint` for everything that is wrong with a text. */
export function said(text: string): string[] {
  return parseConfig(text, { file: 'f' }).diagnostics.map(
    ({ line, column, severity, code, message, hint }) =>
      `${line}:${column} ${severity} ${code} ${message}${hint === undefined ? '' : `; ${hint}`}`,
  )
}
