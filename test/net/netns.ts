import { execFileSync } from 'node:child_process'
import type { Test } from 'tap'

/** For tap's `skip`: the reason, when this process may not make network namespaces. */
export const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'

/** Runs ip(8): `ip('-n', ns, 'link', 'add', …)` as one line. */
export function ip(line: string): string {
  return execFileSync('ip', line.split(' '), { encoding: 'utf8' })
}

/** Sets a sysctl in a namespace: `sysctl(ns, 'net.ipv4.conf.all.arp_notify=1')`. */
export function sysctl(namespace: string, setting: string): void {
  ip(`netns exec ${namespace} sysctl -q -w ${setting}`)
}

/** Runs `fn` without root's rights. */
export function asNobody<T>(fn: () => T): T {
  process.seteuid?.('nobody')
  try {
    return fn()
  } finally {
    process.seteuid?.(0)
  }
}

/** A value that the test cannot go on without. */
export function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing, where the test needs something')
  return value
}

/** A network namespace of its own for a test, gone when the test is over. */
export function makeNamespace(t: Test, label: string): string {
  const name = `xdplb-${label}-${process.pid}`
  ip(`netns add ${name}`)
  t.teardown(() => ip(`netns del ${name}`))
  ip(`-n ${name} link set lo up`)
  return name
}

/** Two namespaces with a cable between them: `lb` on 10.0.0.11, `web` on 10.0.0.71, both ends named enp0s8. */
export function makeSegment(
  t: Test,
  label: string,
): { lb: string; web: string; mac: { lb: string; web: string } } {
  const lb = makeNamespace(t, `${label}-lb`)
  const web = makeNamespace(t, `${label}-web`)
  const mac = { lb: '02:00:00:00:00:0b', web: '02:00:00:00:00:47' }
  const peer = `peer name enp0s8 netns ${web} address ${mac.web}`
  ip(`-n ${lb} link add enp0s8 address ${mac.lb} type veth ${peer}`)
  for (const namespace of [lb, web]) ip(`-n ${namespace} link set enp0s8 up`)
  for (const [namespace, host] of [
    [lb, 11],
    [web, 71],
  ]) {
    ip(`-n ${namespace} address add 10.0.0.${host}/24 dev enp0s8`)
    ip(`-n ${namespace} address add 2001:db8::${host}/64 dev enp0s8 nodad`)
    // Solicitations come from a link-local address; the kernel's own takes two seconds to be usable.
    ip(`-n ${namespace} address add fe80::${host}/64 dev enp0s8 nodad`)
  }
  return { lb, web, mac }
}
