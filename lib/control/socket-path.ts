import { join } from 'node:path'
import { DEFAULT_NAME } from '../balancer-name.js'

/** Which balancer of this host is meant. */
export interface SocketLocation {
  /** @default 'xdplb' */
  name?: string
  /** @default '/run/xdplb' */
  runDir?: string
}

/** The control socket of a balancer: `/run/xdplb/xdplb.sock`. */
export function socketPath({ name = DEFAULT_NAME, runDir = '/run/xdplb' }: SocketLocation = {}): string {
  return join(runDir, `${name}.sock`)
}
