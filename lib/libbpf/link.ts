import { XdplbError } from '../errors.js'
import { errnos } from '../net/errno.js'
import type { Fd } from '../net/fd.js'
import { type LinkInfo, linkInfo } from './info.js'
import { libbpf } from './native.js'
import { openPin, pin } from './pin.js'
import type { Program } from './program.js'
import { libbpfOk } from './status.js'

/**
 * A program's hold on an interface. The program stays attached as long as the link exists: until its last descriptor
 * is closed and its last pin removed, or until `detach()`.
 */
export class Link implements Disposable {
  readonly #fd: Fd

  /** @param fd closed by the link from now on */
  constructor(fd: Fd) {
    this.#fd = fd
  }

  /** The link that is pinned there. Throws `NOT_FOUND`, or `USAGE` when it is not a link. */
  static openPinned(path: string): Link {
    return new Link(openPin('link', path))
  }

  /** The descriptor's number, to ask for at each use. Throws `CLOSED` after `close()`. */
  get fd(): number {
    return this.#fd.n
  }

  /** What the kernel says of it at this moment. `ifindex` is 0 when the interface is gone. */
  info(): LinkInfo {
    return linkInfo(this.fd)
  }

  /**
   * Puts another program in the place of the present one; no packet falls between the two.
   * Throws `NOT_FOUND` with ENOLINK when the interface is gone: the link is of no use any more, attach anew.
   */
  update(program: Program): void {
    const operation = `update link: to program "${program.name}"`
    const rc = libbpf().linkUpdate(this.fd, program.fd, null)
    if (rc === -errnos.ENOLINK) {
      const message = `${operation}: ENOLINK, the interface is gone; attach anew`
      throw new XdplbError('NOT_FOUND', message, { errno: -rc, operation })
    }
    libbpfOk(rc, operation)
  }

  /** Takes the program off the interface, whoever else holds or has pinned the link. */
  detach(): void {
    libbpfOk(libbpf().linkDetach(this.fd), 'detach link')
  }

  /** Gives it a name in a BPF file system, where it outlives this process. */
  pin(path: string): void {
    pin(this.fd, 'link', path)
  }

  /** Gives the descriptor back; detaches the program unless the link is pinned or open elsewhere. */
  close(): void {
    this.#fd.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
