import { EventEmitter } from 'node:events'
import type { InterfaceStatus } from '../status.js'
import type { Interfaces } from './interfaces.js'
import type { NextHops, Resolver } from './next-hops.js'
import { type Destination, isToSelf, passing, type Resolution, type Way } from './way.js'

/** What becomes of interfaces that ways lead over and that were not named. */
export interface AttachOptions {
  /** Attach to them too, now and whenever a way comes to lead over another one? @default false */
  readonly alsoToReals?: boolean
}

/**
 * The ways to reals as far as packets get through on them. The kernel drops what is sent out of an interface that the
 * program does not sit on. So it is attached there before a way leads over it; where it may not be, or cannot, the real
 * counts as out of reach.
 */
export class Ways
  extends EventEmitter<{ change: [destination: Destination, resolution: Resolution] }>
  implements Resolver, Disposable
{
  readonly #hops: NextHops
  readonly #interfaces: Interfaces
  /** Unknown until there is something to be attached to. */
  #alsoToReals: boolean | undefined
  /** Devices that ways lead over in vain, by index. Each was tried once. */
  readonly #missed = new Set<number>()
  readonly #onWay = (destination: Destination, resolution: Resolution) =>
    this.emit('change', destination, this.#reach(resolution))
  readonly #onInterface = ({ ifindex }: InterfaceStatus) => this.#retell(ifindex)

  constructor(hops: NextHops, interfaces: Interfaces) {
    super()
    this.#hops = hops
    this.#interfaces = interfaces
    hops.on('change', this.#onWay)
    interfaces.on('change', this.#onInterface)
  }

  /** Sits on these interfaces and, if it may, on those that lead to reals. Errors are those of `Interfaces.attach()`. */
  attach(names: readonly string[], { alsoToReals = false }: AttachOptions = {}): void {
    this.#interfaces.attach(alsoToReals ? [...new Set([...names, ...this.#hops.interfaces()])] : names)
    this.#alsoToReals = alsoToReals
    for (const [destination, resolution] of this.#hops) {
      if (this.#isBarred(resolution)) this.#onWay(destination, resolution)
    }
  }

  track(destination: Destination): Resolution {
    return this.#reach(this.#hops.track(destination))
  }

  untrack(destination: Destination): void {
    this.#hops.untrack(destination)
  }

  resolution(destination: Destination): Resolution {
    const resolution = this.#hops.resolution(destination)
    return this.#isBarred(resolution) ? this.#bar(resolution) : resolution
  }

  close(): void {
    this.#hops.off('change', this.#onWay)
    this.#interfaces.off('change', this.#onInterface)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #reach(resolution: Resolution): Resolution {
    if (!this.#isBarred(resolution)) return resolution
    const { ifindex } = resolution.hop
    if (this.#alsoToReals && !this.#missed.has(ifindex)) this.#interfaces.reach(resolution.interface)
    if (!this.#isBarred(resolution)) return resolution
    this.#missed.add(ifindex)
    return this.#bar(resolution)
  }

  /** Would packets be dropped on this way? */
  #isBarred(resolution: Resolution): resolution is Way {
    if (this.#alsoToReals === undefined || !('hop' in resolution) || isToSelf(resolution)) return false
    return !this.#interfaces.has(resolution.hop.ifindex)
  }

  #bar({ interface: name }: Way): Resolution {
    if (this.#alsoToReals) return passing(`the way leads over ${name}, which could not be attached to`)
    const named = this.#interfaces.status().map(({ name }) => name)
    const found = `the way leads over ${name}, which is not among the interfaces to attach to`
    return passing(`${found} (${named.join(', ')}): name ${name} too`)
  }

  /** What had been in the way on this interface has gone. */
  #retell(ifindex: number | undefined): void {
    if (ifindex === undefined || !this.#missed.delete(ifindex)) return
    for (const [destination, resolution] of this.#hops) {
      if ('hop' in resolution && resolution.hop.ifindex === ifindex) this.#onWay(destination, resolution)
    }
  }
}
