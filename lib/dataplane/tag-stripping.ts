import { featuresOf, setFeatures } from '../net/features.js'
import { stripping } from './layout.gen.js'

/**
 * By which cards take the tags of VLANs off frames and hand them over beside them (ethtool's rxvlan): a program would
 * take every frame for an untagged one.
 */
const offloads = new Map<string, number>([
  ['rx-vlan-hw-parse', stripping.customer],
  ['rx-vlan-stag-hw-parse', stripping.provider],
])

/** Does the interface take tags off frames, and can that be changed? */
export function tagStripping(interfaceName: string): 'no' | 'yes' | 'fixed' {
  const on = featuresOf(interfaceName).filter(({ name, on }) => on && offloads.has(name))
  if (on.length === 0) return 'no'
  return on.some(({ fixed }) => fixed) ? 'fixed' : 'yes'
}

/**
 * Has the interface leave tags on frames, as far as it lets itself be told.
 *
 * @returns which it took off until now, and leaves on now: `enum stripping`
 */
export function stopTagStripping(interfaceName: string): number {
  const on = strippedBy(interfaceName)
  if (on.length === 0) return 0
  setFeatures(interfaceName, Object.fromEntries(on.map(name => [name, false])))
  const left = strippedBy(interfaceName)
  return on.filter(name => !left.includes(name)).reduce((bits, name) => bits | (offloads.get(name) ?? 0), 0)
}

/** Undoes what `stopTagStripping` did. */
export function resumeTagStripping(interfaceName: string, stopped: number): void {
  const wanted = [...offloads].filter(([, bit]) => stopped & bit).map(([name]) => [name, true] as const)
  if (wanted.length > 0) setFeatures(interfaceName, Object.fromEntries(wanted))
}

function strippedBy(interfaceName: string): string[] {
  return featuresOf(interfaceName).flatMap(({ name, on }) => (on && offloads.has(name) ? [name] : []))
}
