import { readFileSync, writeFileSync } from 'node:fs'
import { accessFile } from '../net/errno.js'

/** A setting in net.ipv4.conf: of one interface, of `all`. */
export interface Sysctl {
  readonly interface: string
  readonly setting: string
}

/** A setting that `up` may change. */
export interface ArpSetting extends Sysctl {
  readonly interface: (typeof arpInterfaces)[number]
  readonly setting: (typeof arpRules)[number]['setting']
}

/**
 * What keeps a host from answering ARP for an address that it carries on `lo` (Documentation/networking/ip-sysctl.rst;
 * what each number does: arp_ignore() and arp_solicit() in net/ipv4/arp.c).
 *
 * - `arp_ignore` 1 answers only for addresses of the interface that was asked; 2 wants the asker in the same subnet
 *   too. Any other value answers for the VIP, or for nothing at all.
 * - `arp_announce` 2 never names the VIP as the sender of a request: whoever heard that would learn it.
 */
export const arpRules = [
  { setting: 'arp_ignore', wanted: 1, accepted: [1, 2] },
  { setting: 'arp_announce', wanted: 2, accepted: [2] },
] as const

/**
 * Where they are set, as the LVS documents have it. The kernel goes by the greater of `all` and the interface that is
 * asked or that asks (IN_DEV_MAXCONF in include/linux/inetdevice.h). So `all` does the work, also for interfaces that
 * are yet to come; `lo` itself neither asks nor is asked.
 */
export const arpInterfaces = ['all', 'lo'] as const

export function isArpSetting(value: { interface?: unknown; setting?: unknown }): value is ArpSetting {
  return (
    arpInterfaces.some(name => name === value.interface) &&
    arpRules.some(({ setting }) => setting === value.setting)
  )
}

/** `net.ipv4.conf.all.arp_ignore`, with a dot in an interface's name as sysctl(8) wants it: `eth0/100`. */
export function formatSysctl({ interface: name, setting }: Sysctl): string {
  return `net.ipv4.conf.${name.replaceAll('.', '/')}.${setting}`
}

/** Who says what a sysctl is set to. */
export interface SysctlReader {
  readSysctl(sysctl: Sysctl): number
}

/** What the kernel goes by on this interface: the greater of its own value and that of `all`. */
export function effective(sysctl: Sysctl, { readSysctl }: SysctlReader): number {
  return Math.max(readSysctl(sysctl), readSysctl({ ...sysctl, interface: 'all' }))
}

/** The value in the network namespace of this thread. */
export function readSysctl(sysctl: Sysctl): number {
  return accessFile(`read sysctl: ${formatSysctl(sysctl)}`, () =>
    Number(readFileSync(pathOf(sysctl), 'utf8')),
  )
}

export function writeSysctl(sysctl: Sysctl, value: number): void {
  accessFile(`write sysctl: ${formatSysctl(sysctl)}`, () => writeFileSync(pathOf(sysctl), `${value}\n`))
}

function pathOf(sysctl: Sysctl): string {
  return `/proc/sys/net/ipv4/conf/${sysctl.interface}/${sysctl.setting}`
}
