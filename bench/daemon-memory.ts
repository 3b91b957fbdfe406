import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Lab } from '../cli/demo/lab/lab.js'
import { Site } from '../test/system/daemon.js'
import type { Table } from './table.js'
import { thousandServicesText } from './thousand-services.js'

/** After it is ready: so that what it took to get there may be given back, and checks have run. */
const SETTLED_MS = 15_000

/** How much memory does the daemon take with a large configuration? Of its real servers, none is there. */
export async function weighDaemon(): Promise<Table> {
  await using lab = await Lab.open()
  const host = await lab.host('lb1', { addresses: ['10.0.0.11/24'] })
  using site = new Site(lab, host)
  const begun = performance.now()
  const daemon = await site.start(`${thousandServicesText}\nxdplb {\n}\n`, '--interface', host.interface)
  const readyMs = performance.now() - begun
  await sleep(SETTLED_MS)
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8')
  const mebibytes = (name: string) =>
    `${((Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) || 0) / 1024).toFixed(0)} MiB`
  await daemon.stop()
  return {
    title: 'xdplb run: 1,000 services of 10 reals, tables for 262,144 flows',
    headings: ['ready after', 'anonymous memory', 'files and mapped tables'],
    rows: [[`${readyMs.toFixed(0)} ms`, mebibytes('RssAnon'), mebibytes('RssFile')]],
  }
}
