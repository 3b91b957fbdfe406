import { type RecordBlock, record } from '../block-rows.js'
import { choice, oneOf, port } from '../codec.js'
import type { Forwarding } from '../model.js'
import { head, type RowOptions, switches, value } from '../rows.js'
import { defineBlock, positional, type Row } from '../schema.js'

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
    tunnelType: value('type', oneOf('ipip', 'gue', 'gre')),
    tunnelPort: value('port', port),
    tunnelChecksum: switches(
      new Map([
        ['nocsum', 'nocsum'],
        ['csum', 'csum'],
        ['remcsum', 'remcsum'],
      ]),
    ),
  },
})

export function forwarding<T, O>(
  keywords: string | readonly string[],
  options: RowOptions<Forwarding, T, O>,
): Row<Forwarding, T, O> {
  return record(keywords, forwardingLine, options)
}
