import { join } from 'node:path'

/** Which balancer of this host is meant. */
export interface SocketLocation {
  /** @default 'xdplb' */
  name?: string
  /** @default '/run/xdplb' */
  runDir?: string
}

/** The control socket of a balancer: `/run/xdplb/xdplb.sock`. */
export function socketPath({ name = 'xdplb', runDir = '/run/xdplb' }: SocketLocation = {}): string {
  return join(runDir, `${name}.sock`)
}
