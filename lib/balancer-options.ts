import type { AttachMode } from './libbpf/index.js'

export interface BalancerOptions {
  /** Tells balancers on one host apart: in pins, sockets and messages. @default 'xdplb' */
  readonly name?: string
  /** A BPF file system, or an empty directory where one may be mounted. @default '/sys/fs/bpf' */
  readonly bpffs?: string
  /**
   * Where XDP attaches, and nowhere else; for a VLAN, to the device below it. A real that is reached by another one takes
   * no flows, with a `warning` at the start and a `real` event later.
   *
   * @default those of the VRRP instances, and those that lead to the reals, at the start or later
   */
  readonly interfaces?: readonly string[]
  /** `native` and `generic` fail where that mode cannot be had. @default 'auto' */
  readonly xdpMode?: AttachMode
}

export interface CloseOptions {
  /** Packets are forwarded on, addresses stay, for the next start to take over. @default false */
  readonly leaveForwarding?: boolean
}
