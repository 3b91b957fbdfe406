/**
 * The process that runs VRRP: forked by `VrrpProcess`, so that no other work delays an advert. It writes the role
 * cells of the kernel's program itself. When the process that started it goes away, it gives the addresses up, by
 * priority 0, and leaves the cells as they are: packets are forwarded until the next master has been announced.
 */
import { messageOf } from '../errors.js'
import { BpfMap, type MappedArray } from '../libbpf/index.js'
import { NetlinkEvents } from '../net/netlink/events.js'
import { Netlink } from '../net/netlink/netlink.js'
import { runAsRealtime } from '../net/scheduling.js'
import type { InstanceOrder, Order, Report, RoleCells } from './orders.js'
import { Speaker } from './speaker.js'

/** Above ordinary work, below the kernel's own threads of this kind (50). */
const REALTIME_PRIORITY = 30

/** How late the next advert may be before the process counts as silent. */
const GRACE_MS = 250

const speakers: Speaker[] = []
let isOrphan = false

process.on('message', (order: Order) => (order.type === 'start' ? start(order) : stop(order.leave)))
process.on('disconnect', () => {
  isOrphan = true
  stop(false)
})
// The terminal and systemd tell every process; this one is told by the one that started it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

function start({ instances, roles }: Order & { type: 'start' }): void {
  if (!runAsRealtime(REALTIME_PRIORITY)) {
    const text = 'not allowed to run in real time (CAP_SYS_NICE): adverts may be late on a busy machine'
    report({ type: 'log', instance: '', level: 'warn', text })
  }
  const netlink = Netlink.open()
  const events = NetlinkEvents.open()
  events.on('error', error => {
    report({ type: 'log', instance: '', level: 'warn', text: messageOf(error) })
  })
  const cells = BpfMap.openPinned(roles.path).mapped().within(roles.array)
  const surroundings = { netlink, events, cells, roles }
  for (const instance of instances) speakers.push(speakerFor(instance, surroundings))
  for (const speaker of speakers) speaker.start()
}

interface Surroundings {
  readonly netlink: Netlink
  readonly events: NetlinkEvents
  readonly cells: MappedArray
  readonly roles: RoleCells
}

function speakerFor(order: InstanceOrder, { netlink, events, cells, roles }: Surroundings): Speaker {
  const speaker = new Speaker(order, netlink, events)
  const instance = speaker.name
  const vouchMs = order.instance.advertIntervalSeconds * 1000 + GRACE_MS
  speaker.on('become', state => report({ type: 'become', instance, state }))
  speaker.on('log', line => report({ type: 'log', instance, ...line }))
  speaker.on('owns', isMaster => {
    if (isOrphan) return
    const until = process.hrtime.bigint() + BigInt(Math.round(vouchMs * 1e6))
    for (const cell of order.cells) {
      cells.u64[(cell * cells.stride) / 8 + roles.vouchedAt] = until
      cells.u32[(cell * cells.stride) / 4 + roles.roleAt] = isMaster ? roles.master : roles.backup
    }
  })
  return speaker
}

/** The last words are on their way when the process ends. */
function stop(leave: boolean): void {
  for (const speaker of speakers) leave ? speaker.leave() : speaker.stop()
  if (process.connected) process.send?.({ type: 'stopped' } satisfies Report, () => process.exit())
  else process.exit()
}

function report(report: Report): void {
  if (process.connected) process.send?.(report)
}
