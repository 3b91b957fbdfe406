import { join } from 'node:path'
import type { Address } from '../address.js'
import { ourAddresses } from '../net/netlink/marks.js'
import { Netlink } from '../net/netlink/netlink.js'
import type { RealserverChange, RealserverState } from './plan.js'
import { planDown, planUp } from './plan.js'
import { readRecord, writeRecord } from './record.js'
import { readSysctl, writeSysctl } from './sysctl.js'
import { isVipOnLoopback, vipOnLoopback } from './vip.js'

export interface RealserverOptions {
  /** The addresses that clients ask for. */
  readonly vips: readonly Address[]
  /**
   * Where `up` notes what it changes, in `realserver.json`; `down` wants the same.
   *
   * @default '/run/xdplb'
   */
  readonly runDir?: string
}

const DEFAULT_RUN_DIR = '/run/xdplb'

/**
 * Makes this host a web server of direct routing: it takes packets for the VIPs (each on `lo`) and leaves ARP for them
 * to the balancer (see `arpRules`; IPv6 needs nothing there, for the kernel answers neighbour solicitations only for
 * addresses of the interface that is asked: ndisc_recv_ns() in net/ipv6/ndisc.c).
 *
 * What is there already stays as it is, so doing it twice does nothing. It is about the network namespace of the
 * calling thread, and about this moment: nothing of it survives a reboot.
 *
 * @returns what was done, in order
 */
export function realserverUp({
  vips,
  runDir = DEFAULT_RUN_DIR,
}: RealserverOptions): readonly RealserverChange[] {
  using netlink = Netlink.open()
  const path = join(runDir, 'realserver.json')
  const { changes, record } = planUp([...new Set(vips)], readRecord(path), stateOf(netlink))
  // Before the changes: should this process die among them, `down` knows of all that may have been done.
  writeRecord(path, record)
  for (const change of changes) apply(change, netlink)
  return changes
}

/**
 * Undoes what `realserverUp` did for these VIPs, and nothing else: an address or a value that somebody has changed
 * since then is theirs. The ARP settings go back with the last IPv4 VIP.
 *
 * @returns what was done, in order
 */
export function realserverDown({
  vips,
  runDir = DEFAULT_RUN_DIR,
}: RealserverOptions): readonly RealserverChange[] {
  using netlink = Netlink.open()
  const path = join(runDir, 'realserver.json')
  const { changes, record } = planDown(vips, readRecord(path), stateOf(netlink))
  for (const change of changes) apply(change, netlink)
  writeRecord(path, record)
  return changes
}

function stateOf(netlink: Netlink): RealserverState {
  const addresses = netlink.addresses()
  const ours = ourAddresses(addresses)
  return {
    addresses: addresses
      .filter(isVipOnLoopback)
      .map(found => ({ address: found.address, ours: ours.includes(found) })),
    readSetting: readSysctl,
  }
}

function apply(change: RealserverChange, netlink: Netlink): void {
  switch (change.type) {
    case 'addressAdded':
      netlink.addAddress(vipOnLoopback(change.address))
      return
    case 'addressRemoved':
      netlink.deleteAddress(vipOnLoopback(change.address))
      return
    case 'sysctlSet':
      writeSysctl(change, change.after)
  }
}
