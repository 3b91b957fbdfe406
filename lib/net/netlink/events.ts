import { EventEmitter } from 'node:events'
import { XdplbError } from '../../errors.js'
import type { Network } from '../../network.js'
import { Rollback } from '../../rollback.js'
import { errnos } from '../errno.js'
import { type Watch, watch } from '../poll.js'
import { decodeAddress, type InterfaceAddress, RTM_DELADDR, RTM_NEWADDR } from './address.js'
import { decodeLink, type Link, RTM_DELLINK, RTM_NEWLINK } from './link.js'
import type { Message } from './message.js'
import { decodeNeighbour, type Neighbour, RTM_DELNEIGH, RTM_NEWNEIGH } from './neighbour.js'
import {
  decodeRouteDestination,
  RTM_DELNEXTHOP,
  RTM_DELROUTE,
  RTM_DELRULE,
  RTM_NEWNEXTHOP,
  RTM_NEWROUTE,
  RTM_NEWRULE,
} from './route.js'
import { EventSocket } from './socket.js'

/** `set`: it is new, or something about it changed (the kernel does not say which). */
export type Change = 'set' | 'deleted'

export interface NetlinkEventMap {
  link: [link: Link, change: Change]
  address: [address: InterfaceAddress, change: Change]
  neighbour: [neighbour: Neighbour, change: Change]
  /** A route to there is new, another one or gone. */
  route: [destination: Network]
  /** A nexthop object is new, another one or gone, and with it routes: those that go with it are not told of. */
  nexthop: []
  /** A policy rule is new or gone: for any destination another route may hold. */
  rule: []
  /**
   * Events were lost: whoever keeps a picture of a table must list it anew. A listener that cannot do so throws, which
   * is told as an `error`, and all are asked again a second later.
   */
  overrun: []
  /** The socket or what it said is broken. */
  error: [error: unknown]
}

export interface NetlinkEventsOptions {
  /** @default `link`, `address` and `neighbour`; of routes a router may tell a hundred a second */
  about?: readonly Topic[]
  /** May the subscription alone keep the process running? @default true */
  keepAlive?: boolean
  /** Room for events that wait to be read; an event takes about 1 KiB. @default 1 MiB */
  receiveBufferBytes?: number
}

export type Topic = keyof typeof groups

/** RTNLGRP_* by topic: include/uapi/linux/rtnetlink.h. */
const groups = {
  link: [1],
  address: [5, 9],
  neighbour: [3],
  route: [7, 11],
  nexthop: [32],
  rule: [8, 19],
} as const satisfies Record<string, number[]>

export const everyTopic: readonly Topic[] = ['link', 'address', 'neighbour', 'route', 'nexthop', 'rule']

/** Of a table that changes all the time there may be no consistent list for a while: `RequestSocket.dump()`. */
const OVERRUN_AGAIN_MS = 1000

/** So many datagrams a turn of the event loop: timers go first when the kernel has more to say. */
const DATAGRAMS_PER_TURN = 64

/**
 * Changes to interfaces, addresses, neighbours, and to routes and what they are found by, as the kernel tells them, in
 * the network namespace in which the object was made. Subscribe first and list then: nothing falls in between, and an
 * event that repeats what the list said does no harm.
 */
export class NetlinkEvents extends EventEmitter<NetlinkEventMap> implements Disposable {
  readonly #socket: EventSocket
  readonly #watch: Watch
  #overrunAgain: NodeJS.Timeout | undefined
  #closed = false

  private constructor(socket: EventSocket, keepAlive: boolean) {
    super()
    this.setMaxListeners(0) // each VRRP instance has its own, and there may be 255 of them
    this.#socket = socket
    this.#watch = watch(socket.fd, () => this.#read(), { keepAlive })
  }

  static open(options: NetlinkEventsOptions = {}): NetlinkEvents {
    const {
      about = ['link', 'address', 'neighbour'],
      keepAlive = true,
      receiveBufferBytes = 1 << 20,
    } = options
    using rollback = new Rollback()
    const socket = rollback.own(
      new EventSocket(
        about.flatMap(topic => groups[topic]),
        receiveBufferBytes,
      ),
    )
    const events = new NetlinkEvents(socket, keepAlive)
    rollback.commit()
    return events
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#overrunAgain)
    this.#watch.close()
    this.#socket.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #read(): void {
    for (let datagrams = 0; datagrams < DATAGRAMS_PER_TURN && !this.#closed; datagrams++) {
      const messages = this.#receive()
      if (messages === undefined) return
      for (const message of messages) this.#tell(message)
    }
  }

  #receive(): Message[] | undefined {
    try {
      return this.#socket.receive()
    } catch (error) {
      if (isOverrun(error)) this.#tellOverrun()
      else this.emit('error', error)
      return undefined
    }
  }

  #tellOverrun(): void {
    if (this.#closed) return
    clearTimeout(this.#overrunAgain)
    try {
      this.#discard()
      this.emit('overrun')
    } catch (error) {
      this.#overrunAgain = setTimeout(() => this.#tellOverrun(), OVERRUN_AGAIN_MS).unref()
      this.emit('error', error)
    }
  }

  /** What still waits is older than what was lost; told after the overrun, it would undo the listener's new list. */
  #discard(): void {
    for (;;) {
      try {
        if (this.#socket.receive() === undefined) return
      } catch (error) {
        if (!isOverrun(error)) throw error
      }
    }
  }

  #tell({ type, payload }: Message): void {
    switch (type) {
      case RTM_NEWLINK:
      case RTM_DELLINK: {
        const link = this.#decode(decodeLink, payload)
        if (link) this.emit('link', link, type === RTM_NEWLINK ? 'set' : 'deleted')
        break
      }
      case RTM_NEWADDR:
      case RTM_DELADDR: {
        const address = this.#decode(decodeAddress, payload)
        if (address) this.emit('address', address, type === RTM_NEWADDR ? 'set' : 'deleted')
        break
      }
      case RTM_NEWNEIGH:
      case RTM_DELNEIGH: {
        const neighbour = this.#decode(decodeNeighbour, payload)
        if (neighbour) this.emit('neighbour', neighbour, type === RTM_NEWNEIGH ? 'set' : 'deleted')
        break
      }
      case RTM_NEWROUTE:
      case RTM_DELROUTE: {
        const destination = this.#decode(decodeRouteDestination, payload)
        if (destination) this.emit('route', destination)
        break
      }
      case RTM_NEWNEXTHOP:
      case RTM_DELNEXTHOP:
        this.emit('nexthop')
        break
      case RTM_NEWRULE:
      case RTM_DELRULE:
        this.emit('rule')
    }
  }

  #decode<T>(decode: (payload: Buffer) => T | undefined, payload: Buffer): T | undefined {
    try {
      return decode(payload)
    } catch (error) {
      this.emit('error', error)
      return undefined
    }
  }
}

function isOverrun(error: unknown): boolean {
  return error instanceof XdplbError && error.errno === errnos.ENOBUFS
}
