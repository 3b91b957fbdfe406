import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const NAMESPACES = '/run/netns'

/** How the things of a lab are called that the whole machine can see: `xdplb1-lb1-4711`, in process 4711. */
export function traceName(lab: number, what: string): string {
  return `xdplb${lab}-${what}-${process.pid}`
}

/** Removes the namespaces and directories of labs whose process is gone without having closed them. */
export function removeLeftovers(): void {
  removeNamespaces(leftovers(NAMESPACES))
  for (const name of leftovers(tmpdir())) removeDirectory(join(tmpdir(), name))
}

/** Removes those that are there. Synchronous, for it must also do when the process ends. */
export function removeNamespaces(names: readonly string[]): void {
  const present = names.filter(name => existsSync(join(NAMESPACES, name)))
  if (present.length === 0) return
  const input = present.map(name => `netns delete ${name}\n`).join('')
  spawnSync('ip', ['-force', '-batch', '-'], { input })
}

/** Removes a directory and all in it, BPF file systems too. */
export function removeDirectory(directory: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').matchAll(/^\S+ (\S+)/gm)
  const inside = Array.from(mounts, ([, path = '']) => path).filter(path => path.startsWith(`${directory}/`))
  if (inside.length > 0) spawnSync('umount', inside)
  rmSync(directory, { recursive: true, force: true })
}

function leftovers(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory).filter(name => {
    const pid = /^xdplb\d+-.+-(\d+)$/.exec(name)?.[1]
    return pid !== undefined && !existsSync(`/proc/${pid}`)
  })
}
