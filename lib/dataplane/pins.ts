import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parseBalancerName } from '../balancer-name.js'
import { accessFile } from '../net/errno.js'

const LINK = 'link-'
const NEXT = 'next'
const FORMER = 'former'

/**
 * The names under which a balancer's program, links and maps outlive it: `BPFFS/xdplb/NAME/`. A pinned link keeps
 * its interface attached.
 *
 * While tables are given another size, `former/` holds the maps that were there before. Whoever dies on the way leaves
 * either what was there or what is to be finished: `next/` counts from the moment on in which `former/` exists.
 */
export class PinDirectory {
  readonly path: string
  readonly #parent: string

  /**
   * Throws `USAGE` for a name that no balancer can have.
   *
   * @param bpffs a mounted BPF file system
   */
  constructor(bpffs: string, name: string) {
    this.#parent = join(bpffs, 'xdplb')
    this.path = join(this.#parent, parseBalancerName(name))
  }

  create(): void {
    accessFile(`make directory for pins: ${this.path}`, () =>
      mkdirSync(this.path, { recursive: true, mode: 0o700 }),
    )
  }

  of(name: string): string {
    return join(this.path, name)
  }

  ofMap(name: string): string {
    return this.of(withoutDots(name))
  }

  /** Of a map that is to take the place of the one of its name: see {@link exchange}. */
  ofNext(name: string): string {
    mkdirSync(this.of(NEXT), { recursive: true, mode: 0o700 })
    return join(this.of(NEXT), name)
  }

  /** Of a map whose place another one has taken. */
  ofFormer(name: string): string {
    return join(this.of(FORMER), name)
  }

  ofLink(interfaceName: string): string {
    return this.of(LINK + withoutDots(encodeURIComponent(interfaceName)))
  }

  /** Has a former process left anything? */
  exists(): boolean {
    return this.#names().length > 0
  }

  /** Is there what other maps have taken the place of? */
  hasFormer(): boolean {
    return existsSync(this.of(FORMER))
  }

  /** The maps in `next/` take the places of those of their names. */
  exchange(): void {
    mkdirSync(this.of(FORMER), { mode: 0o700 })
    this.#finishExchange()
  }

  /** Ends what a process has begun that died in the midst of it. */
  recover(): void {
    if (this.hasFormer()) this.#finishExchange()
    else rmSync(this.of(NEXT), { recursive: true, force: true })
  }

  /** What was exchanged is not needed any more. */
  removeFormer(): void {
    rmSync(this.of(FORMER), { recursive: true, force: true })
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
    rmSync(this.path, { recursive: true, force: true })
    if (existsSync(this.#parent) && readdirSync(this.#parent).length === 0) rmdirSync(this.#parent)
  }

  #finishExchange(): void {
    const next = this.of(NEXT)
    for (const name of existsSync(next) ? readdirSync(next) : []) {
      const place = this.of(name)
      if (existsSync(place)) renameSync(place, this.ofFormer(name))
      renameSync(join(next, name), place)
    }
    rmSync(next, { recursive: true, force: true })
  }

  #names(): string[] {
    return existsSync(this.path) ? readdirSync(this.path) : []
  }
}

/** The kernel refuses them in names: `eth0.100` is `link-eth0%2e100`. */
function withoutDots(name: string): string {
  return name.replaceAll('.', '%2e')
}
