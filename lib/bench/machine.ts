import { readdirSync, readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'

/** What numbers of one machine depend on, and those of another may differ by. */
export interface Machine {
  readonly kernel: string
  readonly cpu: string
  readonly cpus: number
  readonly node: string
  /** What the kernel does about faults of the CPU, by their names; those that it does not have are left out. */
  readonly mitigations: Readonly<Record<string, string>>
}

const VULNERABILITIES = '/sys/devices/system/cpu/vulnerabilities'

/** The machine that this runs on. */
export function thisMachine(): Machine {
  const all = cpus()
  return {
    kernel: release(),
    cpu: all[0]?.model.trim() ?? 'unknown',
    cpus: all.length,
    node: process.version,
    mitigations: mitigations(),
  }
}

function mitigations(): Record<string, string> {
  try {
    const files = readdirSync(VULNERABILITIES).map(name => {
      return [name, readFileSync(`${VULNERABILITIES}/${name}`, 'utf8').trim()] as const
    })
    return Object.fromEntries(files.filter(([, state]) => state !== 'Not affected'))
  } catch {
    return {} // a container that hides them, or an architecture that has none
  }
}
