import type { Network } from './network.js'
import type { Protocol } from './service.js'

/**
 * An entry of the tables, as `ipvsadm -Lnc` lists it: `Balancer.connections()`, `GET /v1/conns` and
 * `xdplb conns --json` give these.
 */
export interface Connection {
  /** `template`: where new flows of this client go, for as long as persistence lasts. */
  readonly kind: 'flow' | 'template'
  readonly protocol: Protocol
  /** IPVS's word: `ESTABLISHED`, `UDP`; `NONE` of a template, `ASSURED` once a flow of its own was answered. */
  readonly state: string
  /** Until it is forgotten, if no packet comes. */
  readonly expiresSeconds: number
  /** `10.0.0.100:40000`; of a template the client's network, with port 0. */
  readonly client: string
  /** `10.0.0.1:80`; of a template the first address of its service. */
  readonly virtual: string
  /** `10.0.0.71:80` */
  readonly real: string
  /** `10.0.0.1:80/tcp`; `none` when the service is no more. */
  readonly service: string
}

/** Which of them; what is left out does not matter. */
export interface ConnectionFilter {
  readonly client?: Network
  /** As it is named everywhere: `10.0.0.1:80/tcp`. */
  readonly service?: string
  /** `10.0.0.71:80`; of a real server without a port of its own `10.0.0.71:0`, or with that of the connection. */
  readonly real?: string
  /** A word as in {@link Connection.state}. */
  readonly state?: string
}
