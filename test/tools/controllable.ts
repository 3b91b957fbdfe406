import type { Controllable } from '../../lib/control/answer.js'

/** A balancer that answers these questions and no others. */
export function controllable(answers: Partial<Controllable>): Controllable {
  const unexpected = (question: string) => () => {
    throw new Error(`${question}: nobody was to ask`)
  }
  return {
    status: unexpected('status'),
    connections: unexpected('connections'),
    where: unexpected('where'),
    trace: unexpected('trace'),
    ...answers,
  }
}
