export { type Address, type Family, familyOf, isAddress, parseAddress } from './address.js'
export { Balancer, type BalancerEvents } from './balancer.js'
export type { BalancerOptions, CloseOptions } from './balancer-options.js'
export { type BenchmarkOptions, type BenchmarkReport, benchmark } from './bench/benchmark.js'
export { benchInterface, type InterfaceBenchOptions, type InterfaceReport } from './bench/interface.js'
export * from './config/index.js'
export type { Connection, ConnectionFilter } from './connection.js'
export { ControlClient } from './control/client.js'
export type { ProcessStatus } from './control/protocol.js'
export { ControlServer } from './control/server.js'
export { type SocketLocation, socketPath } from './control/socket-path.js'
export type {
  Decision,
  PacketFlag,
  PacketQuestion,
  TraceFilter,
  TraceLine,
  TraceLoss,
  TraceOptions,
  Whereabouts,
} from './decision.js'
export { type ErrorCode, type ErrorDetails, XdplbError } from './errors.js'
export { formatNetwork, type Network, parseNetwork } from './network.js'
export {
  formatFinding,
  type RealserverCheckOptions,
  type RealserverFinding,
  realserverCheck,
} from './realserver/check.js'
export { formatChange, type RealserverChange } from './realserver/plan.js'
export { type RealserverOptions, realserverDown, realserverUp } from './realserver/realserver.js'
export {
  type AddressService,
  type Endpoint,
  formatEndpoint,
  formatService,
  type GroupService,
  type MarkService,
  type Protocol,
  parseEndpoint,
  parseService,
  type ServiceName,
} from './service.js'
export type * from './status.js'
