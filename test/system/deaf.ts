import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from '../../cli/demo/lab/child.js'
import type { Host } from '../../cli/demo/lab/host.js'
import { need } from '../net/netns.js'

/** Two events each; there is room for some thousand of them. */
const BURST = Array.from({ length: 3000 }, () =>
  ['add', 'del'].map(verb => `address ${verb} 10.7.0.1/32 dev lo`),
)

/**
 * While the processes of a daemon stand still, more happens in its namespace than there is room for to tell, and then
 * this change.
 */
export async function deaf({ pid }: Child, host: Host, change: () => Promise<void>): Promise<void> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').match(/\d+/g) ?? []
  const processes = [need(pid), ...children.map(Number)]
  const before = lostBySockets(pid)
  for (const each of processes) process.kill(each, 'SIGSTOP')
  while (!processes.every(isStopped)) await sleep(5)
  await host.ip(...BURST.flat())
  await change()
  const after = lostBySockets(pid)
  for (const each of processes) process.kill(each, 'SIGCONT')
  if (!after.every((lost, index) => lost > need(before[index]))) throw new Error('a socket lost nothing')
}

function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** Of each netlink socket in the namespace of a process that is told events: how many were lost. */
function lostBySockets(pid: number | undefined): number[] {
  const [, ...sockets] = readFileSync(`/proc/${pid}/net/netlink`, 'utf8').trimEnd().split('\n')
  return sockets.flatMap(line => {
    const [, , , groups = '', , , , , drops] = line.trim().split(/\s+/)
    return Number.parseInt(groups, 16) === 0 ? [] : Number(drops)
  })
}
