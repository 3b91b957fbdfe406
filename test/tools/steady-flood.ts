import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Flood } from './flood.js'

/** What the thread is told, and tells: in `state`. */
export const STOPPED_AT = 0
export const ROUNDS_AT = 1

export interface ThreadData {
  /** Descriptors of the flood's program and of the map that its next client is in. */
  readonly program: number
  readonly clients: number
  readonly frame: Uint8Array
  /** Clients in a round. */
  readonly count: number
  readonly state: Int32Array
}

/** A flood that comes from the same clients again and again, sent by another thread. */
export class SteadyFlood implements AsyncDisposable {
  readonly #worker: Worker
  readonly #state = new Int32Array(new SharedArrayBuffer(8))

  constructor(flood: Flood, clients: number) {
    this.#worker = new Worker(new URL('steady-flood-thread.ts', import.meta.url), {
      workerData: { ...flood.descriptors, count: clients, state: this.#state } satisfies ThreadData,
    })
  }

  /** How often each client has sent its packet. */
  get rounds(): number {
    return Atomics.load(this.#state, ROUNDS_AT)
  }

  /** Waits until each has sent so many more. */
  async goOn(rounds: number): Promise<void> {
    const end = this.rounds + rounds
    while (this.rounds < end) await sleep(1)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#state, STOPPED_AT, 1)
    await once(this.#worker, 'exit')
  }
}
