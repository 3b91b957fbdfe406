import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'

const mitigations = ['spectre_v2', 'spec_rstack_overflow', 'retbleed']

/** What numbers of one machine depend on, and those of another may differ by. */
export function describeMachine(): string[] {
  const clang = execFileSync(process.env.CLANG ?? 'clang', ['--version'], { encoding: 'utf8' }).split('\n')[0]
  return [
    `Linux ${release()}, ${cpus().length} CPUs, ${cpus()[0]?.model.trim()}`,
    ...mitigations.map(name => `${name}: ${vulnerability(name)}`),
    `${clang}, Node.js ${process.version}`,
  ]
}

function vulnerability(name: string): string {
  try {
    return readFileSync(`/sys/devices/system/cpu/vulnerabilities/${name}`, 'utf8').trim()
  } catch {
    return 'not known to this kernel'
  }
}
