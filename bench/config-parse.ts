import { parseConfig, printConfig } from '../lib/config/index.js'
import type { Table } from './table.js'
import { thousandServices } from './thousand-services.js'
import { timeTasks } from './timing.js'

/** How long does a large keepalived.conf take to read? */
export function timeConfigParse(): Promise<Table> {
  const text = thousandServices
    .map(({ vip, port, reals }) =>
      [
        `virtual_server ${vip} ${port} {`,
        '  delay_loop 6\n  lb_algo rr\n  lb_kind DR\n  protocol TCP',
        ...reals.map(
          last => `  real_server 10.0.0.${last} ${port} {\n    weight 1\n    TCP_CHECK {\n    }\n  }`,
        ),
        '}\n',
      ].join('\n'),
    )
    .join('')
  const { config } = parseConfig(text)
  return timeTasks(`Configuration: 1,000 services of 10 reals, ${(text.length / 1024).toFixed(0)} KiB`, [
    { name: 'parse', run: () => parseConfig(text) },
    { name: 'print', run: () => printConfig(config) },
  ])
}
