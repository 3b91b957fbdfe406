import { createRequire } from 'node:module'

/** The version of this package. */
export function version(): string {
  const { version }: { version: string } = createRequire(import.meta.url)('xdplb/package.json')
  return version
}
