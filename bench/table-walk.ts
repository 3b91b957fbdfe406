import { readFileSync } from 'node:fs'
import { limit } from '../lib/dataplane/layout.gen.js'
import type { LoadedProgram } from '../lib/dataplane/load.js'
import { SLICE } from '../lib/dataplane/sweeper.js'
import { Flood } from '../test/tools/flood.js'
import { buildFrame } from '../test/tools/packet.js'
import { startBalancer } from './balancer.js'
import type { Table } from './table.js'

const ROUNDS = 10

/** What does it cost to find the flows and clients whose time has come, where there are many? */
export function timeTableWalk(maxFlows: number): Table {
  using balancer = startBalancer(maxFlows)
  balancer.apply({}, { port: 443, persistence: { seconds: 7200 } })
  const { loaded, tables } = balancer
  const slots = tables.flows.length
  for (const destinationPort of [80, 443]) {
    using flood = new Flood(loaded.program, buildFrame({ sourcePort: 1, destinationPort }))
    flood.send(slots)
  }
  const { template_made } = balancer.events()
  const full = `${slots.toLocaleString('en')} slots with ${tables.loads.total().toLocaleString('en')} flows, as many with ${template_made.toLocaleString('en')} clients`
  const rounds = Array.from({ length: ROUNDS }, () => walk(loaded))
  tables.settings.update(0, { timeouts: Array<number>(limit.ways * 2).fill(0) })
  const last = walk(loaded)
  return {
    title: `The sweeper: ${full}`,
    headings: ['what', 'least', 'median', 'most'],
    rows: [
      ['CPU time of a whole walk', ...spread(rounds.map(({ cpuMs }) => cpuMs))],
      ['one slice, for which other work waits', ...spread(rounds.flatMap(({ slicesMs }) => slicesMs))],
      ['the same where every flow has expired', ...spread(last.slicesMs)],
    ],
    notes: [`Memory of the process: ${memory()}.`],
  }
}

/** As the sweeper does it, but for the pauses. */
function walk(loaded: LoadedProgram): { cpuMs: number; slicesMs: number[] } {
  const slicesMs: number[] = []
  const before = process.cpuUsage()
  for (let bucket = 0; bucket < loaded.geometry.flowBuckets; bucket += SLICE) {
    const begun = performance.now()
    loaded.sweep(bucket, SLICE)
    slicesMs.push(performance.now() - begun)
  }
  const { user, system } = process.cpuUsage(before)
  return { cpuMs: (user + system) / 1000, slicesMs }
}

function spread(milliseconds: readonly number[]): string[] {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const some = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)]
  return some.map(one => `${(one ?? 0).toFixed(1)} ms`)
}

/** Pages of mapped tables count as a file's. */
function memory(): string {
  const status = readFileSync('/proc/self/status', 'utf8')
  const mebibytes = (name: string) =>
    ((Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) || 0) / 1024).toFixed(0)
  return `${mebibytes('RssAnon')} MiB anonymous, ${mebibytes('RssFile')} MiB of files and mapped tables`
}
