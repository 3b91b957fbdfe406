import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const NAMESPACES = '/run/netns'

/** How the things of a lab are called that the whole machine can see: `xdplb1-lb1-4711`, in process 4711. */
export function labName(lab: number, what: string): string {
  return `xdplb${lab}-${what}-${process.pid}`
}

/** Removes the namespaces and directories of labs whose process is gone without having closed them. */
export function removeLeftovers(): void {
  removeNamespaces(leftovers(NAMESPACES))
  for (const name of leftovers(tmpdir())) rmSync(join(tmpdir(), name), { recursive: true, force: true })
}

/** Removes those that are there. Synchronous, for it must also do when the process ends. */
export function removeNamespaces(names: readonly string[]): void {
  const present = names.filter(name => existsSync(join(NAMESPACES, name)))
  if (present.length === 0) return
  const input = present.map(name => `netns delete ${name}\n`).join('')
  spawnSync('ip', ['-force', '-batch', '-'], { input })
}

function leftovers(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory).filter(name => {
    const pid = /^xdplb\d+-.+-(\d+)$/.exec(name)?.[1]
    return pid !== undefined && !isRunning(Number(pid))
  })
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}
