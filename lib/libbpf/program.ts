import type { Fd } from '../net/fd.js'
import { type AttachOptions, attachXdp } from './attach.js'
import { programInfo } from './info.js'
import type { Link } from './link.js'
import { openPin, pin } from './pin.js'
import { type TestRun, type TestRunResult, testRun } from './test-run.js'

/** A program in the kernel, past the verifier. */
export class Program implements Disposable {
  readonly #fd: Fd
  readonly name: string
  readonly id: number
  /** Two programs with the same tag are of the same instructions. */
  readonly tag: string

  /**
   * @param fd closed by the program from now on
   * @param name in full; the kernel keeps 15 characters of it only
   */
  constructor(fd: Fd, name?: string) {
    const info = programInfo(fd.n)
    this.#fd = fd
    this.name = name ?? info.name
    this.id = info.id
    this.tag = info.tag
  }

  /** The program that is pinned there. Throws `NOT_FOUND`, or `USAGE` when it is not a program. */
  static openPinned(path: string): Program {
    return new Program(openPin('program', path))
  }

  /** The descriptor's number, to ask for at each use; the value of a prog_array. Throws `CLOSED` after `close()`. */
  get fd(): number {
    return this.#fd.n
  }

  /**
   * Attaches the program to an interface of the calling thread's network namespace, as a link (Linux 5.9).
   *
   * Throws `BUSY`, with its name, when another program is there: a link takes no program's place but its own.
   * `UNSUPPORTED` when the driver has no native mode and `native` was asked for, `NOT_FOUND` without the interface.
   */
  attachXdp(ifindex: number, options: AttachOptions = {}): Link {
    return attachXdp(this.fd, ifindex, options)
  }

  /** Runs the program on a packet of the caller's. See {@link TestRun}. */
  testRun(run: TestRun): TestRunResult {
    return testRun(this.fd, this.name, run)
  }

  /** Gives it a name in a BPF file system, where it outlives this process. */
  pin(path: string): void {
    pin(this.fd, 'program', path)
  }

  /** Gives the descriptor back. The program lives on while it is attached, pinned, or in a prog_array. */
  close(): void {
    this.#fd.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
