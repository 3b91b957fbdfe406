import { Bench, type FnOptions } from 'tinybench'
import { XdplbError } from '../lib/errors.js'
import type { Table } from './table.js'

/** Something to be timed: one call of it, hooks around it not included. */
export interface Task extends Pick<FnOptions, 'beforeAll' | 'beforeEach'> {
  readonly name: string
  readonly run: () => unknown
}

/** How long does one call take? */
export async function timeTasks(title: string, tasks: readonly Task[]): Promise<Table> {
  const bench = new Bench({ time: 1000, iterations: 20, warmupIterations: 3, warmupTime: 100, throws: true })
  for (const { name, run, ...hooks } of tasks) bench.add(name, run, { ...hooks, async: false })
  await bench.run()
  const rows = bench.tasks.map(({ name, result }) => {
    if (!('latency' in result)) throw new XdplbError('USAGE', `time ${name}: ${result.state}`)
    const { p50, p99, samplesCount } = result.latency
    return [name, duration(p50), duration(p99), String(samplesCount)]
  })
  return { title, headings: ['one call', 'median', 'p99', 'calls'], rows }
}

/** @param milliseconds as tinybench counts */
function duration(milliseconds: number): string {
  if (milliseconds >= 1) return `${milliseconds.toFixed(1)} ms`
  return milliseconds >= 0.001
    ? `${(milliseconds * 1e3).toFixed(1)} µs`
    : `${(milliseconds * 1e6).toFixed(0)} ns`
}
