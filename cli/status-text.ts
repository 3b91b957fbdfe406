import type { BalancerStatus, RealStatus, ResizeStatus, ServiceStatus, Traffic } from '../lib/status.js'
import { phraseOf } from '../lib/verdict-phrases.js'
import { formatCount, formatDuration, formatRate } from './quantity.js'
import { type Row, tableLines } from './table.js'
import type { Paint } from './terminal.js'

/** What a balancer says of itself, for people: tables that fit in 100 columns. */
export function statusText(status: BalancerStatus, now: Date, paint: Paint): string {
  const sections = [
    summary(status, now),
    status.warnings.map(warning => paint('yellow', `warning: ${warning}`)),
    table(paint, ['INTERFACE', 'STATE', 'MODE', 'MAC'], interfaceRows(status, paint)),
    table(paint, ['VRRP INSTANCE', 'STATE', 'FOR'], vrrpRows(status, now, paint)),
    table(paint, ['VIP', 'ROLE'], vipRows(status, paint)),
    table(
      paint,
      TRAFFIC_HEADINGS,
      status.services.flatMap(service => serviceRows(service, paint)),
    ),
    table(paint, ['WHAT BECAME OF PACKETS', '>PACKETS'], countRows(status.verdicts)),
    table(paint, ['WHAT ELSE HAPPENED', '>TIMES'], countRows(status.events)),
    [flowTable(status)],
  ]
  return sections
    .filter(lines => lines.length > 0)
    .map(lines => `${lines.join('\n')}\n`)
    .join('\n')
}

const TRAFFIC_HEADINGS = [
  'SERVICE, REALS',
  'STATE',
  '>WEIGHT',
  '>ACTIVE',
  '>INACTIVE',
  '>CONNS',
  '>CONN/S',
  '>PKT/S',
  '>BIT/S',
]

function summary(status: BalancerStatus, now: Date): string[] {
  const { name, version, pid, startedAt, adopted, resized, flowTable } = status
  const age = formatDuration((now.getTime() - Date.parse(startedAt)) / 1000)
  const first = `${name}: xdplb ${version}, process ${pid}, running for ${age}`
  return [
    first,
    ...(adopted ? ['  on the data plane that an earlier process left forwarding'] : []),
    ...(resized ? [`  ${resizeText(resized, flowTable.slots)}`] : []),
  ]
}

function resizeText({ formerSlots, moved, lost }: ResizeStatus, slots: number): string {
  const flows = `${formatCount(moved)} connections were moved, ${formatCount(lost)} had no room`
  return `the flow table has ${formatCount(slots)} places instead of ${formatCount(formerSlots)}: ${flows}`
}

function interfaceRows({ interfaces }: BalancerStatus, paint: Paint): Row[] {
  return interfaces.flatMap(({ name, state, mode = '', mac = '' }) =>
    state === 'attached'
      ? [[name, paint('green', state), mode, mac]]
      : [[name, paint('red', state)], `  no such interface; it is used again as soon as there is one`],
  )
}

function vrrpRows({ vrrp }: BalancerStatus, now: Date, paint: Paint): Row[] {
  return vrrp.map(({ instance, state, since }) => {
    const age = formatDuration((now.getTime() - Date.parse(since)) / 1000)
    return [instance, state === 'MASTER' ? paint('green', state) : state, age]
  })
}

function vipRows({ vips }: BalancerStatus, paint: Paint): Row[] {
  return vips.map(({ address, role }) => [address, role === 'master' ? paint('green', role) : role])
}

function serviceRows(
  { service, scheduler, persistenceSeconds, traffic, reals }: ServiceStatus,
  paint: Paint,
) {
  const active = sum(reals.map(real => real.active))
  const inactive = sum(reals.map(real => real.inactive))
  const rows: Row[] = [
    [
      paint('bold', service),
      scheduler,
      '',
      formatCount(active),
      formatCount(inactive),
      ...trafficCells(traffic),
    ],
  ]
  if (persistenceSeconds !== undefined) rows.push(`  persistent for ${persistenceSeconds} s`)
  return [...rows, ...reals.flatMap(real => realRows(real, paint))]
}

function realRows(status: RealStatus, paint: Paint): Row[] {
  const { real, state, forwarding, weight, active, inactive, traffic } = status
  const style = { up: 'green', down: 'red', unresolved: 'red', removed: 'dim' } as const
  const counts = [weight, active, inactive].map(formatCount)
  const way = forwarding === 'tun' ? ', tun' : ''
  const row: Row = [`  ${real}`, paint(style[state], state) + way, ...counts, ...trafficCells(traffic)]
  return [row, ...trouble(status)]
}

/** Why a real server takes no new flow, and where to look. */
function trouble({ real, state, reason, interface: device }: RealStatus): Row[] {
  if (state === 'down') return [`    no new flow: ${reason ?? 'its checks fail'}`]
  if (state !== 'unresolved') return []
  const address = real.replace(/^\[?(.*?)\]?:\d+$/, '$1')
  const look = device === undefined ? `ip route get ${address}` : `ip neigh show ${address} dev ${device}`
  return [`    no new flow: ${reason ?? 'its MAC address is not known'}`, `    see: ${look}`]
}

function trafficCells({
  connections,
  connectionsPerSecond,
  packetsPerSecond,
  bytesPerSecond,
}: Traffic): string[] {
  return [
    formatCount(connections),
    ...[connectionsPerSecond, packetsPerSecond, bytesPerSecond * 8].map(formatRate),
  ]
}

function countRows(counts: Readonly<Record<string, number>>): Row[] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => [phraseOf(name), formatCount(count)])
}

function flowTable({
  flowTable: { flows, slots, templates, templateSlots, memoryBytes },
}: BalancerStatus): string {
  const fill = (used: number, all: number) => `${formatCount(used)} in ${formatCount(all)} slots`
  const memory = `${formatRate(memoryBytes / 2 ** 20)} MiB`
  return `flows: ${fill(flows, slots)}; persistence templates: ${fill(templates, templateSlots)}; memory: ${memory}`
}

/** No rows, no table. */
function table(paint: Paint, headings: readonly string[], rows: readonly Row[]): string[] {
  if (rows.length === 0) return []
  const [heading = '', ...lines] = tableLines(headings, rows)
  return [paint('dim', heading), ...lines]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
