import type { BenchmarkReport } from '../../lib/bench/benchmark.js'
import type { InterfaceReport } from '../../lib/bench/interface.js'
import type { Machine } from '../../lib/bench/machine.js'
import { formatCount, formatRate } from '../quantity.js'
import { tableLines } from '../table.js'

/** What `xdplb bench` found, for people. */
export function benchmarkText({ machine, extent, packets, paths }: BenchmarkReport): string {
  const floor = paths.find(({ path }) => path.startsWith('floor'))?.cpu.min ?? Number.NaN
  return text(
    machineLines(machine),
    [
      `One program alone: net ns over the floor, of ${extent.rounds} rounds; tables for ${formatCount(extent.maxFlows)} flows`,
    ],
    tableLines(
      ['packet', '>min', '>median', '>a miss', '>floor', '>hits'],
      packets.map(({ packet, net, miss, floor, hits }) => [
        packet,
        ...[net.min, net.median, miss.min, floor.min].map(ns => ns.toFixed(1)),
        `${(hits * 100).toFixed(2)} %`,
      ]),
    ),
    [
      'Floor: swap the MAC addresses and send the frame back; with the loop around it and the making of the packet.',
      'A miss: a floor that also reads one random line of the flow table.',
    ],
    ['From veth to veth, native XDP, all on one CPU: CPU ns per packet'],
    tableLines(
      ['path', '>min', '>median', '>of the floor', '>best Mpps', '>stations'],
      paths.map(({ path, cpu, mpps, stations }) => [
        path,
        cpu.min.toFixed(0),
        cpu.median.toFixed(0),
        `${(cpu.min / floor).toFixed(2)} x`,
        mpps.toFixed(2),
        String(stations),
      ]),
    ),
    ['No packet was lost.'],
  )
}

/** What `xdplb bench --interface` found, for people. */
export function interfaceText(report: InterfaceReport): string {
  const { made, sent, returned } = report.packets
  const rate = (packets: number) => [formatCount(packets), `${formatRate(packets / report.seconds)}/s`]
  return text(
    machineLines(report.machine),
    [
      `${report.interface} (${report.driver}, XDP ${report.mode}) to ${report.peer}`,
      `${report.service}, ${report.flows.toLocaleString('en')} flows, ${report.seconds} s`,
    ],
    tableLines(
      ['packets', '>total', '>rate'],
      [
        ['made', ...rate(made)],
        ['sent', ...rate(sent)],
        ['came back', ...rate(returned)],
      ],
    ),
    [
      `Making one took ${report.cpu.toFixed(0)} ns of CPU time.`,
      ...(returned > 0 ? [`What came back was addressed to ${report.stations} stations.`] : []),
    ],
  )
}

function machineLines({ kernel, cpu, cpus, mitigations }: Machine): string[] {
  return [
    `Linux ${kernel}, ${cpus} CPUs, ${cpu}`,
    ...Object.entries(mitigations).map(([name, state]) => `${name}: ${state}`),
  ]
}

/** Paragraphs. */
function text(...paragraphs: readonly (readonly string[])[]): string {
  return `${paragraphs.map(lines => lines.join('\n')).join('\n\n')}\n`
}
