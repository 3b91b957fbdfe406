import { XdplbError } from './errors.js'

/** Of the balancer that nobody has named. */
export const DEFAULT_NAME = 'xdplb'

/**
 * What a balancer is called on its host: a directory of the BPF file system, where the kernel takes no dots, and a
 * socket have that name. Throws `USAGE` for a text that cannot be one.
 */
export function parseBalancerName(text: string): string {
  if (/^[^./\0]{1,64}$/.test(text)) return text
  throw new XdplbError('USAGE', `name balancer: "${text}", expected 1 to 64 letters, none of them "." or "/"`)
}
