import { spawnSync } from 'node:child_process'
import { renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { XdplbError } from '../lib/errors.js'

/** BPF instructions of version 3 came with Linux 5.1 and clang 9; -g makes the BTF that maps and codecs need. */
const flags = ['-g', '-O2', '-Wall', '-Werror', '-target', 'bpf', '-mcpu=v3']

const cure = 'apt-get install clang llvm libbpf-dev'

/**
 * Compiles C for the kernel: the object keeps its BTF and loses its DWARF. The same source gives the same bytes
 * wherever it is compiled by the same compiler. The stripper is `$LLVM_STRIP`.
 *
 * @param directory where the source and its headers are
 * @param source the name of a file there, or C text
 * @param object the file to write; never seen half-written
 * @param clang the compiler
 */
export function compile(
  directory: string,
  source: string | { text: string },
  object: string,
  clang = process.env.CLANG ?? 'clang',
): void {
  const strip = process.env.LLVM_STRIP ?? 'llvm-strip'
  const unfinished = `${resolve(object)}.${process.pid}`
  const [input, text] = typeof source === 'string' ? [source, ''] : ['-', source.text]
  const [machine] = run(clang, ['-print-target-triple']).split('-')
  // asm/types.h is there on Debian; clang 19 has no -print-multiarch any more
  const paths = ['-idirafter', `/usr/include/${machine}-linux-gnu`, '-fdebug-compilation-dir=.', '-I.']
  try {
    run(clang, [...flags, ...paths, '-x', 'c', '-c', input, '-o', unfinished], directory, text)
    run(strip, ['-g', unfinished])
    renameSync(unfinished, object)
  } finally {
    rmSync(unfinished, { force: true })
  }
}

/** What the command printed. Throws what it complained of. */
function run(command: string, args: string[], cwd = '.', input = ''): string {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, { cwd, input, encoding: 'utf8' })
  if (error) {
    throw new XdplbError('UNSUPPORTED', `run ${command}: ${error.message}; to install it: ${cure}`, {
      cause: error,
    })
  }
  if (status !== 0) {
    const hint = stderr.includes('file not found') ? `\nto install the headers: ${cure}` : ''
    throw new XdplbError(
      'USAGE',
      `${command} ${args.join(' ')}: exit status ${status ?? signal}\n${stderr}${hint}`,
    )
  }
  return stdout
}
