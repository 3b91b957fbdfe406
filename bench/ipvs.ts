import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { spreadOf } from '../lib/bench/numbers.js'
import { XdplbError } from '../lib/errors.js'
import type { Turn } from './beside-ipvs.js'
import type { Table } from './table.js'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What runs in the guest, beside what `npm run build` makes. */
const programs = ['beside-ipvs', 'ipvs-director']

/** Emulated, with all that shares the host's CPU. */
const TIMEOUT_SECONDS = 1200

/** Each run of them waits some 20 ms for the kernel to patch its dispatcher of XDP programs: not to be seen in so many. */
const PACKETS = 524_288

/** A connection table as large as that many flows want; Debian's default of 2^12 chains would be slower. */
const MODULES = 'modprobe ip_vs conn_tab_bits=20 && modprobe -a ip_vs_rr veth'

/**
 * What does a packet cost beside real IPVS in direct routing, both in one emulated machine with one CPU? By the clock,
 * and once more with a clock that goes on by one with each instruction.
 */
export async function tellBesideIpvs(): Promise<Table> {
  const clocked = runInGuest({ packets: PACKETS, rounds: 7 }, {})
  const counted = runInGuest({ packets: PACKETS, rounds: 1 }, { ICOUNT: '0' })
  const ipvsAt = (turns: readonly Turn[], flows: number) => nsOf(turns, 'IPVS', flows)
  return {
    title: 'Beside real IPVS: in one emulated machine, Linux 6.12, one CPU',
    headings: ['director', 'flows', 'ns', 'of IPVS, packets/s', 'instructions', 'of IPVS'],
    rows: clocked.map(({ director, flows }) => {
      const [ns, instructions] = [nsOf(clocked, director, flows), nsOf(counted, director, flows)]
      return [
        director,
        flows.toLocaleString('en'),
        ns.toFixed(0),
        `${(ipvsAt(clocked, flows) / ns).toFixed(2)} x`,
        instructions.toFixed(0),
        `${(instructions / ipvsAt(counted, flows)).toFixed(2)} x`,
      ]
    }),
    notes: [
      'Both columns are of a packet made, given to the XDP program of an interface as its driver does (for IPVS and the',
      'kernel it passes everything to the stack), forwarded, sent over a veth, counted and dropped. Minimum of 7 rounds.',
      'IPVS: rr, 8 services of 8 servers, a connection table of 2^20 chains. No packet was lost.',
    ],
  }
}

function nsOf(turns: readonly Turn[], director: string, flows: number): number {
  const turn = turns.find(turn => turn.director === director && turn.flows === flows)
  return spreadOf(turn?.ns ?? []).min
}

/** Node reads JavaScript there: a compiler would take the emulated CPU minutes. */
function runInGuest(extent: { packets: number; rounds: number }, env: NodeJS.ProcessEnv): Turn[] {
  const directory = mkdtempSync(join(tmpdir(), 'xdplb-bench-'))
  try {
    mkdirSync(join(directory, 'bench'))
    writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
    symlinkSync(join(root, 'dist/lib'), join(directory, 'lib'))
    for (const program of programs) transpile(program, directory)
    const script = `${MODULES} && exec node ${directory}/bench/beside-ipvs.js ${extent.packets} ${extent.rounds}`
    const { status, stdout, stderr } = spawnSync(
      join(root, 'test/tools/kernel-vm'),
      ['6.12', 'bash', '-c', script],
      { env: { ...process.env, CPUS: '1', TIMEOUT: `${TIMEOUT_SECONDS}`, ...env }, encoding: 'utf8' },
    )
    if (status === 0) return JSON.parse(stdout)
    throw new XdplbError('UNSUPPORTED', `measure beside IPVS: exit ${status}\n${stdout}${stderr}`)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function transpile(program: string, directory: string): void {
  const source = readFileSync(join(root, `bench/${program}.ts`), 'utf8')
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  const { outputText } = ts.transpileModule(source, { compilerOptions })
  writeFileSync(join(directory, `bench/${program}.js`), outputText)
}
