import { compareAddresses } from '../address.js'
import { planAfterConflict, takeDue } from './announcements.js'
import type { Instance } from './instance.js'
import type { Heard } from './receive.js'
import { type Action, type Input, type Master, never, type Step } from './state.js'
import { intervalMs } from './timing.js'
import { becomeBackup, log } from './transitions.js'

type MasterStep = readonly [Master, readonly Action[]]

/** What a master does, RFC 3768 §6.4.3; towards one of lower priority RFC 9568 §6.4.3. */
export function stepMaster(instance: Instance, master: Master, input: Input): Step {
  if (input.type === 'advert') return hear(instance, master, input.heard, input.at)
  if (input.type === 'addressLost') {
    return [{ ...master, restoreAt: Math.max(input.at, master.restoreFrom) }, []]
  }
  return input.type === 'timer' ? wake(instance, master, input.at) : [master, []]
}

function hear(instance: Instance, master: Master, heard: Heard, at: number): Step {
  const { priority, source } = heard
  if (priority === 0) {
    const [next, actions] = advertise(instance, master, at)
    return [next, [...actions, log(instance, 'Master received priority 0 message')]]
  }
  const rank = priority - instance.priority || compareAddresses(source, instance.source)
  if (rank < 0) return answer(instance, master, heard, at)
  if (rank > 0) return yieldTo(instance, master, heard, at)
  const text = 'WARNING - equal priority advert received from remote host with our IP address.'
  return [master, [log(instance, text)]]
}

/**
 * A better master may not know that there was another: when a network that was parted is one again, whoever is heard
 * first decides. A last advert tells it, so that it announces the addresses; without one, clients ask this node until
 * their ARP entries are old. keepalived sends it where `higher_prio_send_advert` says so.
 */
function yieldTo(instance: Instance, master: Master, heard: Heard, at: number): Step {
  const [backup, actions] = becomeBackup(instance, heard, at)
  const text = `Master received advert from ${heard.source} ${superiority(instance, heard)}`
  const [, lastWord] = advertise(instance, master, at)
  return [backup, [log(instance, text), ...lastWord, ...actions]]
}

function superiority(instance: Instance, { priority }: Heard): string {
  return priority > instance.priority
    ? `with higher priority ${priority}, ours ${instance.priority}`
    : `with same priority ${priority} but higher IP address than ours`
}

/** Another master, and a worse one: it is told to yield, and so is everybody whom it has told where the addresses are. */
function answer(instance: Instance, master: Master, { source, priority }: Heard, at: number): Step {
  const [next, actions] = advertise(instance, master, at)
  const verdict = `lower priority ${priority}, ours ${instance.priority}, forcing new election`
  return [
    { ...next, announcements: planAfterConflict(instance, master.announcements, at) },
    [
      log(instance, `Received advert from ${source} with ${verdict}`),
      ...actions,
      ...announce(instance.garpLowerPrioRepeat),
      { type: 'event', event: 'MASTER_RX_LOWER_PRI' },
    ],
  ]
}

/** Each duty is done when it is due; the advert first. */
function wake(instance: Instance, master: Master, at: number): Step {
  return [keepAdvertising, restoreAddresses, repeatAnnouncements].reduce<MasterStep>(
    ([state, actions], duty) => {
      const [next, more] = duty(instance, state, at)
      return [next, [...actions, ...more]]
    },
    [master, []],
  )
}

function keepAdvertising(instance: Instance, master: Master, at: number): MasterStep {
  const lateMs = at - master.advertAt
  if (lateMs < 0) return [master, []]
  const [next, actions] = advertise(instance, master, at)
  if (lateMs < 2 * intervalMs(instance)) return [next, actions]
  // After three intervals of silence another node may have announced itself, and yields to this advert unheard.
  const text = `overslept by ${Math.round(lateMs)} ms, announcing the addresses again`
  return [next, [...actions, log(instance, text, 'warn'), ...announce(instance.garpMasterRepeat)]]
}

function restoreAddresses(instance: Instance, master: Master, at: number): MasterStep {
  if (at < master.restoreAt) return [master, []]
  // At most once an interval, so that no two programs race for an address.
  const next = { ...master, restoreAt: never, restoreFrom: at + intervalMs(instance) }
  const text = 'somebody removed a VIP, setting it again'
  return [
    next,
    [log(instance, text, 'warn'), { type: 'addAddresses' }, ...announce(instance.garpMasterRepeat)],
  ]
}

function repeatAnnouncements(_: Instance, master: Master, at: number): MasterStep {
  const { due, left } = takeDue(master.announcements, at)
  return [{ ...master, announcements: left }, due.flatMap(({ times }) => announce(times))]
}

function advertise(instance: Instance, master: Master, at: number): MasterStep {
  return [{ ...master, advertAt: at + intervalMs(instance) }, [{ type: 'send', priority: instance.priority }]]
}

function announce(times: number): Action[] {
  return times > 0 ? [{ type: 'announce', times }] : []
}
