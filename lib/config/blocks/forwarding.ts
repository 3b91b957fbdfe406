import { type RecordBlock, record } from '../block-rows.js'
import { choice, oneOf, port } from '../codec.js'
import type { DiagnosticCode } from '../diagnostic.js'
import type { Forwarding } from '../model.js'
import { head, type RowOptions, switches, value } from '../rows.js'
import { defineBlock, positional, type Row, type Settling } from '../schema.js'

const METHODS = choice<Forwarding['method']>(
  new Map([
    ['dr', 'DR'],
    ['nat', 'NAT'],
    ['tun', 'TUN'],
  ]),
)

/** `DR`, `NAT` or `TUN [type ipip|gue|gre] [port N] [nocsum|csum|remcsum]` */
const forwardingLine: RecordBlock<Forwarding> = defineBlock('forwarding', {
  head: positional(1, 'method'),
  fields: {
    method: head(METHODS, { required: 'no method' }),
    tunnelType: value('type', oneOf('ipip', 'gue', 'gre'), { honoured: true }),
    tunnelPort: value('port', port, { honoured: true }),
    tunnelChecksum: switches(
      new Map([
        ['nocsum', 'nocsum'],
        ['csum', 'csum'],
        ['remcsum', 'remcsum'],
      ]),
      { honoured: true },
    ),
  },
  settle: settleTunnel,
})

/** What keepalived's tunnels may have, by their type. */
function settleTunnel(line: Forwarding, { report, places }: Settling<undefined>): Forwarding {
  const { tunnelPort, tunnelChecksum, ...rest } = line
  if (line.method !== 'tun') return line
  const { tunnelType = 'ipip' } = line
  const refuse = (field: keyof Forwarding, code: DiagnosticCode, message: string) =>
    report.error(places.of(line, field), code, message)
  const hasPort = tunnelType === 'gue'
  if (hasPort && tunnelPort === undefined) refuse('tunnelType', 'incomplete', 'gue tunnels require port')
  if (!hasPort && tunnelPort !== undefined) {
    refuse('tunnelPort', 'conflict', `${tunnelType} tunnels cannot have port - ignoring`)
  }
  const hasChecksum =
    tunnelChecksum === undefined ||
    tunnelType === 'gue' ||
    tunnelChecksum === 'nocsum' ||
    (tunnelType === 'gre' && tunnelChecksum === 'csum')
  if (!hasChecksum) {
    const option = tunnelType === 'gre' ? 'remote checksum option' : 'checksum option'
    refuse('tunnelChecksum', 'conflict', `${tunnelType} tunnels do not support ${option} - ignoring`)
  }
  return {
    ...rest,
    ...(hasPort && tunnelPort !== undefined && { tunnelPort }),
    ...(hasChecksum && tunnelChecksum !== undefined && { tunnelChecksum }),
  }
}

export function forwarding<T, O>(
  keywords: string | readonly string[],
  options: RowOptions<Forwarding, T, O>,
): Row<Forwarding, T, O> {
  return record(keywords, forwardingLine, options)
}
