import type { Controllable } from '../../lib/control/answer.js'
import type { BalancerStatus, StatusParts } from '../../lib/status.js'

/** A balancer that answers these questions and no others. */
export function controllable(answers: Partial<Controllable>): Controllable {
  const unexpected = (question: string) => () => {
    throw new Error(`${question}: nobody was to ask`)
  }
  return {
    statusInParts: unexpected('status'),
    connections: unexpected('connections'),
    where: unexpected('where'),
    trace: unexpected('trace'),
    ...answers,
  }
}

/** How a balancer tells this status: a service at a time. */
export async function inParts({ services, ...summary }: BalancerStatus): Promise<StatusParts> {
  async function* oneByOne() {
    for (const service of services) yield [service]
  }
  return { summary, services: oneByOne() }
}
