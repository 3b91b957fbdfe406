import { lstatSync, readlinkSync, unlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { XdplbError } from '../errors.js'
import { isBpffs } from '../net/bpffs.js'
import { accessFile, errnos } from '../net/errno.js'
import { Fd } from '../net/fd.js'
import { libbpf } from './native.js'
import { libbpfOk } from './status.js'

/** What can stand behind a pin. */
export type Pinnable = 'map' | 'program' | 'link'

/** As the kernel calls such a descriptor in /proc/self/fd; a link was `bpf_link` once. */
const inodes = { map: 'bpf-map', program: 'bpf-prog', link: 'bpf-link' } as const satisfies Record<
  Pinnable,
  string
>

/**
 * Gives an object a name in a BPF file system: it lives on there when its last descriptor is closed.
 * Throws `USAGE` for a name that no such file system takes, `BUSY` for one that is taken.
 */
export function pin(fd: number, kind: Pinnable, path: string): void {
  const operation = `pin ${kind}: ${path}`
  if (basename(path).includes('.')) {
    throw new XdplbError('USAGE', `${operation}: a dot in the name, expected none (the kernel reserves them)`)
  }
  const rc = libbpf().pin(fd, path)
  if (rc === -errnos.EEXIST) {
    throw new XdplbError('BUSY', `${operation}: something is pinned there already`, { errno: -rc, operation })
  }
  checkPinned(rc, operation, path)
}

/** Opens what is pinned there. Throws `NOT_FOUND` when nothing is, `USAGE` when it is of another kind. */
export function openPin(kind: Pinnable, path: string): Fd {
  const operation = `open pinned ${kind}: ${path}`
  const fd = new Fd(checkPinned(libbpf().openPin(path), operation, path))
  const found = readlinkSync(`/proc/self/fd/${fd.n}`).replace('anon_inode:', '').replace('_', '-')
  if (found === inodes[kind]) return fd
  fd.close()
  throw new XdplbError('USAGE', `${operation}: ${found}, expected ${inodes[kind]}`)
}

/**
 * Takes a pin away. What it kept alive, and nobody else holds, goes with it: a link detaches its program.
 * Throws `USAGE` for what is no pin.
 *
 * @returns was there anything?
 */
export function unpin(path: string): boolean {
  const operation = `unpin: ${path}`
  if (!isBpffs(dirname(path))) {
    throw new XdplbError('USAGE', `${operation}: another file system, expected a BPF file system`)
  }
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false
  accessFile(operation, () => unlinkSync(path))
  return true
}

/** The kernel says EPERM or EACCES where it means that this is no BPF file system. */
function checkPinned(rc: number, operation: string, path: string): number {
  if ((rc === -errnos.EPERM || rc === -errnos.EACCES) && !isBpffs(dirname(path))) {
    const wanted = 'expected a BPF file system (mount -t bpf bpf DIRECTORY)'
    throw new XdplbError('USAGE', `${operation}: another file system, ${wanted}`, { errno: -rc, operation })
  }
  return libbpfOk(rc, operation)
}
