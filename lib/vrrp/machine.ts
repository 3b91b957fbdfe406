import { stepBackup } from './backup.js'
import type { Instance } from './instance.js'
import { stepMaster } from './master.js'
import { type Action, type Fault, type Input, never, type Step, type VrrpState } from './state.js'
import { intervalMs } from './timing.js'
import { backupOf, becomeMaster, heirOf, log, removeAddresses, resign } from './transitions.js'

/** RFC 3768 §5.3.4: who has the addresses as its own. */
const OWNER = 255

/** An instance before its start. */
export const initialState: VrrpState = { state: 'INIT' }

/**
 * One step of an instance: what it is from now on, and what is to be done about it. Inputs that mean nothing to a
 * state leave it as it is. As keepalived does it: RFC 3768 with a state FAULT, in which adverts are not heard.
 */
export function step(instance: Instance, state: VrrpState, input: Input): Step {
  if (input.type === 'stop') return stop(instance, state)
  if (input.type === 'fault') return fail(instance, state, input.fault)
  switch (state.state) {
    case 'INIT':
    case 'STOP':
      return input.type === 'start' ? start(instance, input) : [state, []]
    case 'BACKUP':
      return stepBackup(instance, state, input)
    case 'MASTER':
      return stepMaster(instance, state, input)
    case 'FAULT':
      return input.type === 'recovery' ? recover(instance, state.faults, input) : [state, []]
  }
}

/** When the next `timer` is to be given; `never` when the state waits for nothing. */
export function nextDeadline(state: VrrpState): number {
  switch (state.state) {
    case 'BACKUP':
      return state.downAt
    case 'MASTER':
      return Math.min(state.advertAt, state.restoreAt, ...state.announcements.map(({ at }) => at))
    default:
      return never
  }
}

function start(instance: Instance, input: Input & { type: 'start' }): Step {
  const { at, inherited = false } = input
  const faults = new Set(input.faults)
  if (faults.size === 0) return takePart(instance, at, { inherited, note: ' (init)' })
  return [
    { state: 'FAULT', faults },
    [
      log(instance, 'Entering FAULT STATE (init)'),
      ...(inherited ? removeAddresses(instance) : []),
      { type: 'become', state: 'FAULT' },
    ],
  ]
}

/** The owner has nobody to wait for; any other node is a backup until it has not heard a master for long enough. */
function takePart(instance: Instance, at: number, how: { inherited: boolean; note: string }): Step {
  if (instance.priority === OWNER && instance.state === 'MASTER') return becomeMaster(instance, at)
  const actions: Action[] = [
    log(instance, `Entering BACKUP STATE${how.note}`),
    { type: 'become', state: 'BACKUP' },
  ]
  // The master's neighbour entry for us may be gone, and its adverts with it.
  if (instance.unicastPeers.length > 0) actions.push({ type: 'announceSource' })
  const backup = how.inherited ? heirOf(instance, at) : backupOf(instance, intervalMs(instance), at)
  return [backup, actions]
}

function fail(instance: Instance, state: VrrpState, fault: Fault): Step {
  switch (state.state) {
    case 'INIT':
    case 'STOP':
      return [state, []]
    case 'FAULT':
      return [{ ...state, faults: new Set([...state.faults, fault]) }, []]
    default:
      return [
        { state: 'FAULT', faults: new Set([fault]) },
        [
          log(instance, 'Entering FAULT STATE'),
          ...resign(instance, state),
          { type: 'become', state: 'FAULT' },
        ],
      ]
  }
}

function recover(instance: Instance, faults: ReadonlySet<Fault>, input: Input & { type: 'recovery' }): Step {
  const left = new Set([...faults].filter(fault => fault !== input.fault))
  if (left.size > 0) return [{ state: 'FAULT', faults: left }, []]
  return takePart(instance, input.at, { inherited: false, note: '' })
}

function stop(instance: Instance, state: VrrpState): Step {
  if (state.state === 'INIT' || state.state === 'STOP') return [state, []]
  return [{ state: 'STOP' }, [...resign(instance, state), { type: 'become', state: 'STOP' }]]
}
