import { chmod, link, lstat, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { messageOf, XdplbError } from '../errors.js'
import { ControlClient } from './client.js'

/** `sun_path` holds 108 bytes with its NUL, unix(7). */
const LONGEST_PATH_BYTES = 107

/**
 * Makes `path` the name of a listening socket, for nobody but its owner (mode 0600). A socket that a dead process left
 * there is replaced; one that somebody listens on is `BUSY`. A directory that is missing is made, mode 0700.
 *
 * @param listen binds the socket to the path that it is given, and listens
 */
export async function claimSocket(path: string, listen: (path: string) => Promise<void>): Promise<void> {
  const directory = dirname(path)
  const bytes = Math.max(Buffer.byteLength(path), Buffer.byteLength(join(directory, '.XXXXXX/s')))
  if (bytes > LONGEST_PATH_BYTES) {
    const wanted = `expected at most ${LONGEST_PATH_BYTES}; choose a shorter run directory`
    throw new XdplbError('USAGE', `open control socket: ${path}: ${bytes} bytes, ${wanted}`)
  }
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    // In a directory of our own nobody can connect before the mode is set; link(2) then shows the name in one step,
    // and fails when somebody else was faster.
    const hidden = await mkdtemp(`${directory}/.`)
    try {
      const unnamed = join(hidden, 's')
      await listen(unnamed)
      await chmod(unnamed, 0o600)
      while (!(await linked(unnamed, path))) await removeStale(path)
    } finally {
      await rm(hidden, { recursive: true, force: true })
    }
  } catch (cause) {
    if (cause instanceof XdplbError) throw cause
    const found = messageOf(cause)
    if (!hasCode(cause, 'EACCES', 'EPERM', 'EROFS')) {
      throw new XdplbError('SYSCALL', `open control socket: ${path}: ${found}`, { cause })
    }
    const wanted = 'expected root, or a run directory that you may write to'
    throw new XdplbError('PERMISSION', `open control socket: ${path}: ${found}, ${wanted}`, { cause })
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Removes the socket that nobody listens on. Throws `BUSY` when somebody does, or when it is no socket at all. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) {
    throw new XdplbError('BUSY', `open control socket: ${path}: another file, expected a socket or nothing`)
  }
  let holder = 'a process that does not answer'
  try {
    holder = `process ${(await new ControlClient(path).process()).pid}`
  } catch (error) {
    const isStale = error instanceof XdplbError && error.errno === constants.errno.ECONNREFUSED
    if (isStale) return rm(path, { force: true })
  }
  throw new XdplbError(
    'BUSY',
    `open control socket: ${path}: ${holder} listens there; stop it or choose another name`,
  )
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some(code => code === error.code)
}
