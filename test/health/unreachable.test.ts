import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { Target } from '../../lib/health/engine.js'
import { ip, makeSegment, skip, sysctl } from '../net/netns.js'
import { flags } from '../tools/loader/flags.js'
import { target, tcpCheck } from './watch.js'

const VS = '[10.0.0.1]:tcp:80'
const watcher = fileURLToPath(new URL('programs/watcher.ts', import.meta.url))

t.test('hosts that cannot be reached are taken out', { skip }, async t => {
  const { lb } = makeSegment(t, 'health')
  sysctl(lb, 'net.ipv4.neigh.enp0s8.retrans_time_ms=50')
  ip(`-n ${lb} neigh add 10.0.0.99 lladdr 02:00:00:00:00:63 dev enp0s8`)
  const said = watchIn(t, lb, [
    target(tcpCheck('192.0.2.1', 80, { delayLoopSeconds: 60 })),
    target(tcpCheck('10.0.0.98', 80, { delayLoopSeconds: 60 })),
    target(tcpCheck('10.0.0.99', 80, { connectTimeoutSeconds: 0.5, delayLoopSeconds: 60 })),
  ])
  const missing = new Set(
    [
      ['[192.0.2.1]:tcp:80', 'TCP_CHECK of 192.0.2.1:80: network is unreachable'],
      ['[10.0.0.98]:tcp:80', 'TCP_CHECK of 10.0.0.98:80: host is unreachable'],
      ['[10.0.0.99]:tcp:80', 'TCP_CHECK of 10.0.0.99:80: no answer within 0.5 s'],
    ].flatMap(([real, reason]) => [
      `TCP_CHECK on service ${real} failed.`,
      `Removing service ${real} from VS ${VS}`,
      reason,
    ]),
  )
  for await (const line of said) {
    missing.delete(line)
    if (missing.size === 0) break
  }
  t.same([...missing], [])
})

t.test('a machine whose own cable is pulled takes nobody out, until it can ask again', { skip }, async t => {
  const { lb, web } = makeSegment(t, 'severed')
  sysctl(lb, 'net.ipv4.neigh.enp0s8.retrans_time_ms=50')
  ip(`-n ${web} link set enp0s8 down`)
  const said: string[] = []
  for await (const line of watchIn(t, lb, [target(tcpCheck('10.0.0.71', 80))])) {
    said.push(line)
    if (line.endsWith('has no carrier')) ip(`-n ${web} link set enp0s8 up`)
    if (line.startsWith('Removing')) break
  }
  t.same(said.slice(1), [
    'TCP_CHECK on service [10.0.0.71]:tcp:80 could not be tried: enp0s8 has no carrier',
    'TCP_CHECK on service [10.0.0.71]:tcp:80 failed.',
    `Removing service [10.0.0.71]:tcp:80 from VS ${VS}`,
  ])
})

/** What an engine says that watches from within a network namespace. */
function watchIn(t: Test, namespace: string, targets: readonly Target[]): AsyncIterable<string> {
  const node = [process.execPath, ...flags, watcher, JSON.stringify(targets)]
  const child = spawn('ip', ['netns', 'exec', namespace, ...node], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  return createInterface(child.stdout)
}
