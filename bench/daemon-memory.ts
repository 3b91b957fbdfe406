import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Lab } from '../cli/demo/lab/lab.js'
import { Site } from '../test/system/daemon.js'
import type { Table } from './table.js'
import { numberedChecks, thousandServicesText } from './thousand-services.js'

const SAMPLE_MS = 2000
/** From the moment on that it is ready: most real servers are found to be dead in the first of these. */
const MINUTES = 4
/** USER_HZ of /proc/PID/stat: the same on all of Linux's platforms but alpha and ia64. */
const TICKS_PER_SECOND = 100

/** How much memory does the daemon take with a large configuration, and of a CPU? Of its real servers, none is there. */
export async function weighDaemon(): Promise<Table> {
  return {
    title: `xdplb run: 1,000 services of 10 reals, tables for 262,144 flows; the most of ${MINUTES} minutes`,
    headings: ['checks', 'ready after', 'anonymous memory', 'files and mapped tables', 'CPU, last minute'],
    rows: [
      ['2,500: of 10,000, each has 3 others that are equal', ...(await weigh(thousandServicesText))],
      ['10,000: each of another port', ...(await weigh(numberedChecks(thousandServicesText)))],
    ],
  }
}

async function weigh(services: string): Promise<string[]> {
  await using lab = await Lab.open()
  const host = await lab.host('lb1', { addresses: ['10.0.0.11/24'] })
  using site = new Site(lab, host)
  const begun = performance.now()
  const daemon = await site.start(`${services}\nxdplb {\n}\n`, '--interface', host.interface)
  const readyMs = performance.now() - begun
  const most = { RssAnon: 0, RssFile: 0 }
  let seconds = 0
  for (let minute = 0; minute < MINUTES; minute++) {
    const before = cpuSeconds(daemon.pid)
    for (let ms = 0; ms < 60_000; ms += SAMPLE_MS) {
      await sleep(SAMPLE_MS)
      const { RssAnon, RssFile } = memory(daemon.pid)
      most.RssAnon = Math.max(most.RssAnon, RssAnon)
      most.RssFile = Math.max(most.RssFile, RssFile)
    }
    seconds = cpuSeconds(daemon.pid) - before
  }
  await daemon.stop()
  return [
    `${readyMs.toFixed(0)} ms`,
    `${most.RssAnon.toFixed(0)} MiB`,
    `${most.RssFile.toFixed(0)} MiB`,
    `${((seconds / 60) * 100).toFixed(0)} %`,
  ]
}

/** In MiB. */
function memory(pid: number | undefined): { RssAnon: number; RssFile: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024
  return { RssAnon: mebibytes('RssAnon'), RssFile: mebibytes('RssFile') }
}

/** User and system time; they stand behind the name, which may have blanks in it: proc(5). */
function cpuSeconds(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
