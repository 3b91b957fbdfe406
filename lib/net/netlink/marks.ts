import type { InterfaceAddress } from './address.js'

/**
 * Written by the kernel into each address and neighbour that is made here, so that a later start finds what a dead
 * predecessor left. Free in iproute2's rt_protos and rt_addrprotos.
 */
export const ourProtocol = 120

/**
 * Those that this program made, in this process or in one before it. From 5.18 on the kernel marks at least 127.0.0.1 as
 * its own; an older one keeps no marks, and there any address may be ours.
 *
 * @param all the addresses of all interfaces
 */
export function ourAddresses(all: readonly InterfaceAddress[]): InterfaceAddress[] {
  const hasMarks = all.some(({ protocol }) => protocol !== undefined)
  return all.filter(({ protocol }) => protocol === ourProtocol || !hasMarks)
}
