import type { Program } from '../libbpf/index.js'

/** The least that a test run takes for a packet: Ethernet's header. */
const PACKET_BYTES = 14

/**
 * Runs a program for `count` things from the first one on: it finds the number of the next one where a packet begins,
 * and does as many in a run as `atATime` says, perhaps more than were wanted in the last.
 */
export function walk(program: Program, first: number, count: number, atATime: number): void {
  const data = new Uint8Array(PACKET_BYTES)
  const view = new DataView(data.buffer)
  for (let next = first; next < first + count; next += atATime) {
    view.setUint32(0, next, true)
    program.testRun({ data, resultSize: PACKET_BYTES })
  }
}
