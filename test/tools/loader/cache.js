import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Gone with the packages that it was made with. */
const directory = fileURLToPath(new URL('../../../node_modules/.cache/xdplb/', import.meta.url))

/**
 * A file that is made when it is first asked for. Several processes may do so at once: each makes its own, and any of
 * them will do.
 *
 * @param {string} name with folders
 * @param {(path: string) => Promise<void>} make
 */
export async function cached(name, make) {
  const path = `${directory}${name}`
  if (existsSync(path)) return path
  const unfinished = `${directory}${randomUUID()}`
  mkdirSync(dirname(path), { recursive: true })
  await make(unfinished)
  renameSync(unfinished, path)
  return path
}
