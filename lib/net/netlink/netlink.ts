import { type Address, familyOf } from '../../address.js'
import { XdplbError } from '../../errors.js'
import { errnos, syscallError } from '../errno.js'
import {
  decodeAddress,
  encodeAddress,
  encodeAddressQuery,
  type InterfaceAddress,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
} from './address.js'
import { decodeLink, encodeLinkQuery, type Link, RTM_GETLINK } from './link.js'
import { ourProtocol } from './marks.js'
import { type Message, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from './message.js'
import {
  decodeNeighbour,
  encodeManagedNeighbour,
  encodeNeighbourKey,
  encodeOrdinaryNeighbour,
  type Neighbour,
  type NeighbourKey,
  RTM_DELNEIGH,
  RTM_GETNEIGH,
  RTM_NEWNEIGH,
} from './neighbour.js'
import { decodeRoute, encodeRouteQuery, type Route, RTM_GETROUTE } from './route.js'
import { RequestSocket } from './socket.js'

/**
 * Questions to the kernel about interfaces, addresses, routes and neighbours, and changes to them: rtnetlink(7).
 *
 * Each call is answered before it returns (0.05 to 0.2 ms; a table, about 4 µs an entry). All of
 * it is about the network namespace in which the object was made. Errors are those of `syscallError`, with the
 * kernel's own words where it has any.
 */
export class Netlink implements Disposable {
  readonly #socket = new RequestSocket()

  private constructor() {}

  static open(): Netlink {
    return new Netlink()
  }

  links(): Link[] {
    const replies = this.#socket.dump('list interfaces', RTM_GETLINK, encodeLinkQuery())
    return replies.flatMap(reply => decodeLink(reply.payload) ?? [])
  }

  /** The interface of this index or name (or alternative name), if there is one. */
  link(which: number | string): Link | undefined {
    const ask = () => this.#socket.request(`find interface: ${which}`, RTM_GETLINK, encodeLinkQuery(which))
    const [reply] = unless([errnos.ENODEV], ask) ?? []
    return reply && decodeLink(reply.payload)
  }

  addresses(filter: { ifindex?: number } = {}): InterfaceAddress[] {
    return this.#socket
      .dump('list addresses', RTM_GETADDR, encodeAddressQuery())
      .flatMap(reply => decodeAddress(reply.payload) ?? [])
      .filter(address => filter.ifindex === undefined || filter.ifindex === address.ifindex)
  }

  /** Adds an address, marked as ours unless it says otherwise. Returns false when it was there already. */
  addAddress(address: InterfaceAddress): boolean {
    const payload = encodeAddress({ protocol: ourProtocol, ...address })
    const flags = NLM_F_CREATE | NLM_F_EXCL
    const add = () => this.#socket.request(`add address: ${prefixOf(address)}`, RTM_NEWADDR, payload, flags)
    return unless([errnos.EEXIST], add) !== undefined
  }

  /**
   * Deletes an address. Returns false when there was none. With the first IPv4 address of a prefix the kernel deletes
   * the others of that prefix too, unless `net.ipv4.conf.*.promote_secondaries` says otherwise.
   */
  deleteAddress(address: InterfaceAddress): boolean {
    const payload = encodeAddress(address)
    const remove = () => this.#socket.request(`delete address: ${prefixOf(address)}`, RTM_DELADDR, payload)
    return unless([errnos.EADDRNOTAVAIL, errnos.ENOENT, errnos.ENODEV], remove) !== undefined
  }

  /**
   * The way a packet to this destination would take; undefined when there is none (unreachable, or a route says
   * `blackhole`, `unreachable`, `prohibit`, `throw`).
   */
  routeTo(destination: Address, options: { oif?: number } = {}): Route | undefined {
    const payload = encodeRouteQuery(destination, options.oif)
    const ask = () => this.#socket.request(`find route: ${destination}`, RTM_GETROUTE, payload)
    const [reply] = unless(noRoute, ask) ?? []
    return reply && decodeRoute(reply.payload)
  }

  neighbours(): Neighbour[] {
    const replies = this.#socket.dump('list neighbours', RTM_GETNEIGH, encodeNeighbourKey())
    return replies.flatMap(reply => decodeNeighbour(reply.payload) ?? [])
  }

  /** Undefined when the kernel knows nothing of it, not even that it should resolve it; or has no such interface. */
  neighbour(key: NeighbourKey): Neighbour | undefined {
    const payload = encodeNeighbourKey(key)
    const ask = () => this.#socket.request(`find neighbour: ${nameOf(key)}`, RTM_GETNEIGH, payload)
    const [reply] = unless([errnos.ENOENT, errnos.ENODEV], ask) ?? []
    return reply && decodeNeighbour(reply.payload)
  }

  /**
   * Has the kernel resolve a neighbour now and keep it resolved until `unmanageNeighbour`. What an operator made
   * permanent stays as it is. With its interface's carrier the kernel forgets it (a `deleted` event): ask again.
   *
   * @returns whether that lasts; kernels before 5.16 only resolve it this once, so call again every few seconds
   */
  manageNeighbour(key: NeighbourKey): boolean {
    const before = this.neighbour(key)
    if (before?.state === 'permanent' || before?.state === 'noArp') return true
    if (!this.#createNeighbour(key)) this.#setNeighbour(key, encodeManagedNeighbour(key), NLM_F_REPLACE)
    // An older kernel ignores the attribute that asks for it.
    return this.neighbour(key)?.managed ?? false
  }

  /** Undoes `manageNeighbour`: a neighbour that was made by it is deleted, any other is left to ordinary care again. */
  unmanageNeighbour(key: NeighbourKey): void {
    const neighbour = this.neighbour(key)
    if (neighbour?.protocol === ourProtocol) {
      const operation = `delete neighbour: ${nameOf(key)}`
      unless([errnos.ENOENT], () => this.#socket.request(operation, RTM_DELNEIGH, encodeNeighbourKey(key)))
    } else if (neighbour?.managed) {
      this.#setNeighbour(key, encodeOrdinaryNeighbour(key), NLM_F_REPLACE)
    }
  }

  close(): void {
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #createNeighbour(key: NeighbourKey): boolean {
    const payload = encodeManagedNeighbour(key, ourProtocol)
    const create = () => this.#setNeighbour(key, payload, NLM_F_CREATE | NLM_F_EXCL)
    return unless([errnos.EEXIST], create) !== undefined
  }

  #setNeighbour(key: NeighbourKey, payload: Buffer, flags: number): Message[] {
    const operation = `resolve neighbour: ${nameOf(key)}`
    try {
      return this.#socket.request(operation, RTM_NEWNEIGH, payload, flags)
    } catch (cause) {
      if (!isErrno(cause, [errnos.ENOBUFS])) throw cause
      const sysctl = `net.ipv${familyOf(key.address)}.neigh.default.gc_thresh3`
      const reason = `the neighbour table is full, raise ${sysctl} in the initial namespace`
      throw syscallError(errnos.ENOBUFS, operation, { reason, cause })
    }
  }
}

/** fib_props in net/ipv4/fib_semantics.c: what the types of routes that lead nowhere answer. */
const noRoute = [errnos.ENETUNREACH, errnos.EHOSTUNREACH, errnos.EACCES, errnos.EINVAL]

function nameOf({ address, ifindex }: NeighbourKey): string {
  return `${address} on interface ${ifindex}`
}

function prefixOf({ address, prefixLength, ifindex }: InterfaceAddress): string {
  return `${address}/${prefixLength} on interface ${ifindex}`
}

function isErrno(error: unknown, errnos: readonly number[]): boolean {
  return error instanceof XdplbError && error.errno !== undefined && errnos.includes(error.errno)
}

/** What `request` returns; undefined when the kernel answers with one of these error numbers. */
function unless<T>(errnos: readonly number[], request: () => T): T | undefined {
  try {
    return request()
  } catch (error) {
    if (isErrno(error, errnos)) return undefined
    throw error
  }
}
