import { join } from 'node:path'
import { type Address, parseAddress } from '../../../lib/address.js'
import { realserverUp } from '../../../lib/realserver/realserver.js'
import type { Child } from './child.js'
import type { Host } from './host.js'
import { startWebServer } from './http.js'
import type { Lab } from './lab.js'

/** The address that clients ask for; whoever balances takes it. */
export const vip = parseAddress('10.0.0.1')

export interface SeedOptions {
  /** lb1 10.0.0.11, lb2 10.0.0.12… @default 1 */
  readonly balancers?: number
  /** How many addresses the client has: 10.0.0.100 and on, 156 at most. @default 10 */
  readonly clients?: number
}

/** A web site behind balancers, on one Ethernet segment, 10.0.0.0/24. */
export interface Seed {
  /** One host that stands for many: it has an address for each. */
  readonly client: Host
  readonly clientAddresses: readonly Address[]
  readonly balancers: readonly Host[]
  /** websvr1 10.0.0.71 and websvr2 10.0.0.72, each answering with its name, both with the VIP on `lo`. */
  readonly webServers: readonly Host[]
  /** Their processes. */
  readonly httpServers: readonly Child[]
}

/** Builds everything but the balancing: the balancers are hosts with an address and nothing else. */
export async function buildSeed(lab: Lab, options: SeedOptions = {}): Promise<Seed> {
  const clientAddresses = addresses(100, options.clients ?? 10)
  const [client, balancers, servers] = await Promise.all([
    lab.host('client', { addresses: clientAddresses.map(inSegment) }),
    Promise.all(
      addresses(11, options.balancers ?? 1).map((address, i) =>
        lab.host(`lb${i + 1}`, { addresses: [inSegment(address)] }),
      ),
    ),
    Promise.all(addresses(71, 2).map((address, i) => webServer(lab, `websvr${i + 1}`, address))),
  ])
  const webServers = servers.map(({ host }) => host)
  return { client, clientAddresses, balancers, webServers, httpServers: servers.map(({ child }) => child) }
}

async function webServer(lab: Lab, name: string, address: Address): Promise<{ host: Host; child: Child }> {
  const host = await lab.host(name, { addresses: [inSegment(address)] })
  host.enter(() => realserverUp({ vips: [vip], runDir: join(lab.directory, name) }))
  return { host, child: await startWebServer(host) }
}

/** So many from 10.0.0.FIRST on. */
function addresses(first: number, count: number): Address[] {
  return Array.from({ length: count }, (_, i) => parseAddress(`10.0.0.${first + i}`))
}

function inSegment(address: Address): string {
  return `${address}/24`
}
