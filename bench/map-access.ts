import { u32 } from '../lib/libbpf/index.js'
import { addressKey, counter, openKinds } from '../test/libbpf/kernel.js'
import type { Table } from './table.js'
import { timeTasks } from './timing.js'

/** What does it cost to read and write a map? Keys of 8 bytes, values of 16. */
export async function timeMapAccess(): Promise<Table> {
  using loaded = openKinds().load()
  const hash = loaded.map('hash').typed({ key: addressKey, value: counter })
  const perCpu = loaded.map('percpu_array').perCpu({ key: u32, value: counter })
  using shared = loaded.map('shared').mapped()
  const value = { packets: 1n, lastSize: 60 }
  const keys = Array.from({ length: 1000 }, (_, port) => ({ address: 0x0a000001, port }))
  const entries = keys.map(key => [key, value] as const)
  hash.updateAll(entries)
  const key = { address: 0x0a000001, port: 500 }
  return await timeTasks('Maps through lib/libbpf', [
    { name: 'hash: look one up', run: () => hash.lookup(key) },
    { name: 'hash: update one', run: () => hash.update(key, value) },
    { name: 'hash: read 1,000', run: () => [...hash].length },
    { name: 'hash: update 1,000', run: () => hash.updateAll(entries) },
    { name: 'per-CPU array: look one up', run: () => perCpu.lookup(1) },
    { name: 'mapped array: read one', run: () => shared.read(counter, 1) },
    { name: 'mapped array: write one', run: () => shared.write(counter, 1, value) },
  ])
}
