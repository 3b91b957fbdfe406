import { geometryFor } from '../lib/dataplane/geometry.js'
import { PinDirectory } from '../lib/dataplane/pins.js'
import { ensureBpffs } from '../lib/net/bpffs.js'
import { type ProgramUnderTest, startProgram } from '../test/tools/program.js'

/**
 * A balancer without services or network, that goes with this process however it ends.
 *
 * @param maxFlows sizes the tables
 */
export function startBalancer(maxFlows: number): ProgramUnderTest {
  const bpffs = '/sys/fs/bpf'
  ensureBpffs(bpffs)
  const pins = new PinDirectory(bpffs, `bench-${process.pid}`)
  try {
    return startProgram(pins, geometryFor(maxFlows))
  } finally {
    pins.removeAll()
  }
}
