import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'
import { parseAddress } from '../../lib/address.js'
import { HealthEngine, type RealHealthChange, type Target } from '../../lib/health/engine.js'
import type { TcpCheck } from '../../lib/health/tcp-check.js'
import { Connector } from '../../lib/net/connector.js'

export const service = { address: parseAddress('10.0.0.1'), port: 80, protocol: 'tcp' } as const

/** A check that takes as little time as may be. */
export function tcpCheck(host: string, port: number, settings: Partial<TcpCheck> = {}): TcpCheck {
  return {
    type: 'tcp',
    connectAddress: parseAddress(host),
    connectPort: port,
    connectTimeoutSeconds: 5,
    retry: 1,
    delayBeforeRetrySeconds: 0.02,
    warmupSeconds: 0,
    delayLoopSeconds: 0.05,
    alpha: false,
    logAllFailures: false,
    ...settings,
  }
}

/** The real that a check is for, with other checks if need be. */
export function target(check: TcpCheck, settings: Partial<Target> = {}): Target {
  const real = { address: check.connectAddress, port: check.connectPort }
  return { service, real, inhibitOnFailure: false, checks: [check], ...settings }
}

/** An engine at work, and what it said. */
export function watch(
  t: Test,
  targets: readonly Target[],
  options?: ConstructorParameters<typeof HealthEngine>[1],
) {
  const engine = new HealthEngine(targets, options)
  t.teardown(() => engine.close())
  const logs: string[] = []
  const changes: RealHealthChange[] = []
  engine.on('log', ({ text }) => logs.push(text))
  engine.on('real', change => changes.push(change))
  const said = async (text: string, times = 1) => {
    while (logs.filter(line => line === text).length < times) await once(engine, 'log')
  }
  engine.start()
  return { engine, logs, changes, said }
}

/** Tells of each connection that has just been begun. */
export class ToldConnector extends Connector {
  readonly #onBegun: () => void

  constructor(onBegun: () => void) {
    super()
    this.#onBegun = onBegun
  }

  override connect(...begun: Parameters<Connector['connect']>): () => void {
    const giveUp = super.connect(...begun)
    this.#onBegun()
    return giveUp
  }
}

/** A server that can be stopped and started again on its port, and whom it saw. */
export class TestServer {
  readonly host: string
  readonly clients: { readonly address: string | undefined; readonly port: number | undefined }[] = []
  /** How clients went away. */
  readonly endings: string[] = []
  #port = 0
  #server = this.#create()

  private constructor(host: string) {
    this.host = host
  }

  static async open(t: Test, host = '127.0.0.1'): Promise<TestServer> {
    const server = new TestServer(host)
    await server.start()
    t.teardown(() => server.stop())
    return server
  }

  get port(): number {
    return this.#port
  }

  async start(): Promise<void> {
    this.#server = this.#create().listen(this.#port, this.host)
    await once(this.#server, 'listening')
    const address = this.#server.address() as AddressInfo
    this.#port = address.port
  }

  stop(): void {
    this.#server.close()
  }

  #create() {
    return createServer((client: Socket) => {
      this.clients.push({ address: client.remoteAddress, port: client.remotePort })
      client.on('error', ({ message }) => this.endings.push(message))
      client.on('end', () => this.endings.push('FIN'))
      client.resume()
    })
  }
}
