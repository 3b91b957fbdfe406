import type { Address } from '../address.js'
import { familyOf } from '../address.js'
import type { RealserverRecord, RecordedSetting, RecordedVip } from './record.js'
import type { ArpSetting } from './sysctl.js'
import { arpInterfaces, arpRules, formatSysctl } from './sysctl.js'
import { fullPrefixLength } from './vip.js'

/** One thing done to this host. */
export type RealserverChange =
  | { readonly type: 'addressAdded' | 'addressRemoved'; readonly address: Address }
  | ({ readonly type: 'sysctlSet' } & RecordedSetting)

/** `added 10.0.0.1/32 to lo`, `set net.ipv4.conf.all.arp_ignore to 1 (was 0)` */
export function formatChange(change: RealserverChange): string {
  if (change.type === 'sysctlSet')
    return `set ${formatSysctl(change)} to ${change.after} (was ${change.before})`
  const vip = `${change.address}/${fullPrefixLength(change.address)}`
  return change.type === 'addressAdded' ? `added ${vip} to lo` : `removed ${vip} from lo`
}

/** What of this host matters here. */
export interface RealserverState {
  /** The addresses on `lo` with a full prefix (/32, /128); `ours` when `up` may have put it there. */
  readonly addresses: ReadonlyArray<{ readonly address: Address; readonly ours: boolean }>
  readSetting(setting: ArpSetting): number
}

/** What to do, and what is to be remembered of it. */
export interface Plan {
  readonly changes: readonly RealserverChange[]
  readonly record: RealserverRecord
}

/** Only what is missing is changed: a value that serves, an address that is there stays as the operator made it. */
export function planUp(vips: readonly Address[], record: RealserverRecord, state: RealserverState): Plan {
  const settings = vips.some(isIPv4) ? settingsToChange(state) : []
  const missing = vips.filter(vip => !state.addresses.some(({ address }) => address === vip))
  const asked = vips.map((address): RecordedVip => {
    const before = record.vips.find(vip => vip.address === address)
    return { address, added: missing.includes(address) || (before?.added ?? false) }
  })
  return {
    changes: [
      // Before the address: not one request may be answered for it.
      ...settings.map(setting => ({ type: 'sysctlSet', ...setting }) as const),
      ...missing.map(address => ({ type: 'addressAdded', address }) as const),
    ],
    record: {
      vips: [...record.vips.filter(({ address }) => !vips.includes(address)), ...asked],
      settings: [...record.settings.filter(old => !settings.some(isSame(old))), ...settings],
    },
  }
}

/** Only what `up` did is undone: what somebody changed since then is theirs. */
export function planDown(vips: readonly Address[], record: RealserverRecord, state: RealserverState): Plan {
  const left = record.vips.filter(({ address }) => !vips.includes(address))
  const added = record.vips.filter(vip => vip.added && vips.includes(vip.address))
  const removed = added.filter(vip =>
    state.addresses.some(({ address, ours }) => ours && address === vip.address),
  )
  const isNeeded = left.some(({ address }) => isIPv4(address))
  const restored = isNeeded ? [] : record.settings.filter(old => state.readSetting(old) === old.after)
  return {
    changes: [
      ...removed.map(({ address }) => ({ type: 'addressRemoved', address }) as const),
      ...restored.map(old => ({ type: 'sysctlSet', ...old, before: old.after, after: old.before }) as const),
    ],
    record: { vips: left, settings: isNeeded ? record.settings : [] },
  }
}

function settingsToChange(state: RealserverState): RecordedSetting[] {
  return arpInterfaces.flatMap(name =>
    arpRules.flatMap(({ setting, wanted, accepted }) => {
      const before = state.readSetting({ interface: name, setting })
      return accepted.some(value => value === before)
        ? []
        : [{ interface: name, setting, before, after: wanted }]
    }),
  )
}

function isIPv4(address: Address): boolean {
  return familyOf(address) === 4
}

function isSame(a: ArpSetting): (b: ArpSetting) => boolean {
  return b => a.interface === b.interface && a.setting === b.setting
}
