import { fileURLToPath } from 'node:url'

/**
 * Path of what `npm run build` makes: `cli/main.js`, `bpf/lab.bpf.o`. A process that is started from here runs the
 * built file, also when this one is run from its source.
 */
export function built(file: string): string {
  const isSource = import.meta.url.endsWith('.ts')
  return fileURLToPath(new URL(`../../../${isSource ? 'dist/' : ''}${file}`, import.meta.url))
}
