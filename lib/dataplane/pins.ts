import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

const LINK = 'link-'

/**
 * The names under which a balancer's program, links and maps outlive it: `BPFFS/xdplb/NAME/`. A pinned link keeps
 * its interface attached.
 */
export class PinDirectory {
  readonly path: string
  readonly #parent: string

  /** @param bpffs a mounted BPF file system */
  constructor(bpffs: string, name: string) {
    this.#parent = join(bpffs, 'xdplb')
    this.path = join(this.#parent, name)
  }

  create(): void {
    mkdirSync(this.path, { recursive: true, mode: 0o700 })
  }

  of(name: string): string {
    return join(this.path, name)
  }

  ofMap(name: string): string {
    return this.of(withoutDots(name))
  }

  ofLink(interfaceName: string): string {
    return this.of(LINK + withoutDots(encodeURIComponent(interfaceName)))
  }

  /** Has a former process left anything? */
  exists(): boolean {
    return this.#names().length > 0
  }

  /** The interfaces that a link is pinned for. */
  linkedInterfaces(): string[] {
    return this.#names()
      .filter(name => name.startsWith(LINK))
      .map(name => decodeURIComponent(name.slice(LINK.length)))
  }

  /** Unpins what has this path. What nobody holds any more goes with it. */
  remove(path: string): void {
    if (existsSync(path)) unlinkSync(path)
  }

  /** Unpins everything: what is attached is detached, what the tables held is lost. */
  removeAll(): void {
    for (const name of this.#names()) unlinkSync(this.of(name))
    if (existsSync(this.path)) rmdirSync(this.path)
    if (existsSync(this.#parent) && readdirSync(this.#parent).length === 0) rmdirSync(this.#parent)
  }

  #names(): string[] {
    return existsSync(this.path) ? readdirSync(this.path) : []
  }
}

/** The kernel refuses them in names: `eth0.100` is `link-eth0%2e100`. */
function withoutDots(name: string): string {
  return name.replaceAll('.', '%2e')
}
