import { readdirSync, statfsSync } from 'node:fs'
import { XdplbError } from '../errors.js'
import { accessFile } from './errno.js'
import { libc, libcOk } from './libc.js'

/** Where systemd mounts one. */
export const DEFAULT_BPFFS = '/sys/fs/bpf'

/** BPF_FS_MAGIC, include/uapi/linux/magic.h */
const MAGIC = 0xcafe4a11

/** Is this directory in a BPF file system, where programs, maps and links can be pinned? */
export function isBpffs(path: string): boolean {
  return accessFile(opening(path), () => statfsSync(path).type === MAGIC)
}

/**
 * Makes sure that this directory is in a BPF file system: mounts one on it when it is an empty directory of another.
 * Throws `NOT_FOUND` when there is no such directory, `USAGE` when there is something else in it, `PERMISSION` when
 * it takes root to mount.
 */
export function ensureBpffs(path: string): void {
  if (isBpffs(path)) return
  const entries = accessFile(opening(path), () => readdirSync(path).length)
  if (entries > 0) {
    const cure = 'expected a BPF file system or an empty directory to mount one on'
    throw new XdplbError('USAGE', `${opening(path)}: a directory with ${entries} entries, ${cure}`)
  }
  libcOk(libc().mount('bpf', path, 'bpf', 0, null), `mount bpf file system: ${path}`)
}

function opening(path: string): string {
  return `open bpf file system: ${path}`
}
