import { XdplbError } from '../errors.js'
import { type AttachMode, Link, type Program } from '../libbpf/index.js'
import { errnos } from '../net/errno.js'
import { Rollback } from '../rollback.js'
import type { PinDirectory } from './pins.js'

/**
 * Puts the program on an interface, by a link that is pinned: a former process's link gets the new program in place of
 * its own without a packet in between, and one whose interface has gone since is made anew.
 *
 * Throws `BUSY` when another program is there already, `UNSUPPORTED` when the mode cannot be had.
 */
export function attach(
  program: Program,
  pins: PinDirectory,
  { name, ifindex, mode }: { name: string; ifindex: number; mode: AttachMode },
): Link {
  using rollback = new Rollback()
  const path = pins.ofLink(name)
  const left = openLeft(path)
  if (left) rollback.own(left)
  if (left && left.info().ifindex === ifindex && isUpdated(left, program)) {
    rollback.commit()
    return left
  }
  left?.close()
  pins.remove(path)
  const link = rollback.own(program.attachXdp(ifindex, { mode }))
  link.pin(path)
  rollback.commit()
  return link
}

/** Takes what a former process has attached there off at once: a link that only loses its pin goes some moments later. */
export function detach(pins: PinDirectory, name: string): void {
  using left = openLeft(pins.ofLink(name))
  left?.detach()
  pins.remove(pins.ofLink(name))
}

/**
 * Puts the program in the place of the one that a former process left, on every interface that has one. An interface
 * that has gone keeps its link, for `attach()` to see.
 */
export function replace(program: Program, pins: PinDirectory): void {
  for (const name of pins.linkedInterfaces()) {
    using left = Link.openPinned(pins.ofLink(name))
    isUpdated(left, program)
  }
}

function openLeft(path: string): Link | undefined {
  try {
    return Link.openPinned(path)
  } catch (error) {
    if (error instanceof XdplbError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

/** False when the interface went away a moment ago. */
function isUpdated(link: Link, program: Program): boolean {
  try {
    link.update(program)
    return true
  } catch (error) {
    if (error instanceof XdplbError && error.errno === errnos.ENOLINK) return false
    throw error
  }
}
