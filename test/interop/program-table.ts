import { addressFromBytes } from '../../lib/address.js'
import { TICKS_PER_SECOND } from '../../lib/dataplane/clock.js'
import { type FlowState, flowState, templateState } from '../../lib/dataplane/layout.gen.js'
import { protocolNumbers } from '../../lib/dataplane/spec.js'
import { formatEndpoint, type Protocol } from '../../lib/service.js'
import type { ProgramUnderTest } from '../tools/program.js'
import { type Connection, sortConnections } from './ipvs-table.js'

/** The flows and templates in the program's tables, as `ipvsadm -Lnc` would list them. */
export function listConnections(program: ProgramUnderTest): Connection[] {
  return sortConnections([...listFlows(program), ...listTemplates(program)])
}

function listFlows(program: ProgramUnderTest): Connection[] {
  const { timeouts } = program.tables.settings.read(0)
  return program.flows().flatMap(flow => {
    const left = (timeouts[flowState[flow.state]] ?? 0) - flow.idle
    if (left <= 0) return []
    const vip = program.tables.vips.at(flow.vip)
    return {
      protocol: nameOfProtocol(flow.protocol),
      secondsLeft: left / TICKS_PER_SECOND,
      state: nameOfState(flow.state),
      client: formatEndpoint({ address: addressFromBytes(flow.client), port: flow.clientPort }),
      virtual: vip === undefined ? 'none' : formatEndpoint({ address: vip, port: flow.vipPort }),
      real: nameOfReal(program, flow.real, flow.vipPort),
    }
  })
}

function listTemplates(program: ProgramUnderTest): Connection[] {
  return program.templates().flatMap(template => {
    const left = (template.expires - program.now) | 0
    const service = program.services.running.find(({ id }) => id === template.service)
    const [match] = service?.spec.matches ?? []
    if (match === undefined || (left <= 0 && template.children === 0)) return []
    const port = match.ports === 'all' ? 0 : match.ports.first
    return {
      protocol: match.protocol.toUpperCase(),
      secondsLeft: left / TICKS_PER_SECOND,
      state: isAssured(template.state, match.protocol) ? 'ASSURED' : 'NONE',
      client: formatEndpoint({ address: addressFromBytes(template.client), port: 0 }),
      virtual: formatEndpoint({ address: match.vip, port }),
      real: nameOfReal(program, template.real, port),
    }
  })
}

/** IPVS assures a template of UDP by an answer (ip_vs_proto_udp.c), and a director in direct routing sees none. */
function isAssured(state: number, protocol: Protocol): boolean {
  return protocol !== 'udp' && state === templateState.assured
}

/** A real without a port of its own gets packets at the one that they are for. */
function nameOfReal(program: ProgramUnderTest, id: number, port: number): string {
  const real = program.tables.reals.identity(id)
  return formatEndpoint({ address: real.address, port: real.port || port })
}

function nameOfProtocol(number: number): string {
  const names = Object.entries(protocolNumbers)
  return names.find(([, candidate]) => candidate === number)?.[0].toUpperCase() ?? `${number}`
}

function nameOfState(state: FlowState): string {
  return state === 'udp_new' ? 'UDP' : state.toUpperCase()
}
