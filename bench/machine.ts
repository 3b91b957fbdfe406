import { execFileSync } from 'node:child_process'
import { thisMachine } from '../lib/bench/machine.js'

/** What numbers of one machine depend on, a line each. */
export function describeMachine(): string[] {
  const { kernel, cpu, cpus, node, mitigations } = thisMachine()
  const clang = execFileSync(process.env.CLANG ?? 'clang', ['--version'], { encoding: 'utf8' }).split('\n')[0]
  return [
    `Linux ${kernel}, ${cpus} CPUs, ${cpu}`,
    ...Object.entries(mitigations).map(([name, state]) => `${name}: ${state}`),
    `${clang}, Node.js ${node}`,
  ]
}
