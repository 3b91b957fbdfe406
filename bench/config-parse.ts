import { parseConfig, printConfig } from '../lib/config/index.js'
import type { Table } from './table.js'
import { thousandServicesText } from './thousand-services.js'
import { timeTasks } from './timing.js'

/** How long does a large keepalived.conf take to read? */
export function timeConfigParse(): Promise<Table> {
  const text = thousandServicesText
  const { config } = parseConfig(text)
  return timeTasks(`Configuration: 1,000 services of 10 reals, ${(text.length / 1024).toFixed(0)} KiB`, [
    { name: 'parse', run: () => parseConfig(text) },
    { name: 'print', run: () => printConfig(config) },
  ])
}
