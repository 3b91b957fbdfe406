import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../cli/xdplb.js'

// What a user of npm gets: the package is packed from what `npm run build` made, and installed elsewhere.

const root = new URL('../../', import.meta.url).pathname
const seed = join(root, 'test/fixtures/seed/master.conf')
const isRoot = process.getuid?.() === 0
const NOBODY = 65534

const directory = mkdtempSync(join(tmpdir(), 'xdplb-package-'))
chmodSync(directory, 0o755)
t.teardown(() => rmSync(directory, { recursive: true }))

const consumer = `
import {
  Balancer,
  type BalancerEvents,
  type BalancerStatus,
  ControlClient,
  ControlServer,
  defineConfig,
  loadConfig,
  parseConfig,
  printConfig,
  realserverUp,
  socketPath,
  XdplbError,
} from 'xdplb'
import { BpfObject } from 'xdplb/libbpf'

export async function main(): Promise<BalancerStatus> {
  await using balancer = await Balancer.start(await loadConfig('keepalived.conf'), { name: 'lb1' })
  balancer.on('real', ({ service, real, up, reason }) => {
    const words: string[] = [service, real, up ? 'up' : reason]
    console.log(words)
  })
  balancer.on('vrrp', ({ instance, state }) => {
    const known: 'INIT' | 'BACKUP' | 'MASTER' | 'FAULT' | 'STOP' = state
    console.log(instance.length, known)
  })
  balancer.on('log', ({ level, message }) => console[level](message.length))
  // @ts-expect-error: a real has no colour
  balancer.on('real', ({ colour }) => console.log(colour))
  // @ts-expect-error: the types are those of the library, not any
  balancer.on('reel', () => {})
  await using control = await ControlServer.listen(socketPath({ name: 'lb1' }))
  control.serve(balancer)
  return balancer.status()
}

export type Warning = BalancerEvents['warning'][0]['message']
export const elsewhere = (): Promise<BalancerStatus> => new ControlClient(socketPath({ name: 'lb2' })).status()

// @ts-expect-error: a port is a number
export const wrong = () => defineConfig({ virtualServers: [{ address: '10.0.0.1', port: '80', realServers: [] }] })

console.log([BpfObject.open, defineConfig, printConfig, realserverUp, parseConfig, XdplbError].map(value => typeof value).join())
`

const examples = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)]

const strictest = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  module: 'nodenext',
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'],
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
}

/** A command with nothing on its PATH but Node and a shell: no clang, no ip. As nobody, if this is root. */
function asUser(...argv: string[]): string[] {
  const drop = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
  const [user, home, path] = ['user', 'home', 'bin'].map(name => join(directory, name))
  return [...(isRoot ? drop : []), 'env', '-i', '-C', `${user}`, `HOME=${home}`, `PATH=${path}`, ...argv]
}

/** Has npm change what is installed in a folder. @returns the command there */
async function npm(folder: string, ...words: string[]): Promise<string> {
  const quietly = ['--no-audit', '--no-fund', '--ignore-scripts']
  const { code, stderr } = await run('npm', ...words, '--prefix', folder, ...quietly)
  if (code !== 0) throw new Error(stderr)
  return join(folder, 'node_modules/.bin/xdplb')
}

function install(folder: string, tarball: string): Promise<string> {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  return npm(folder, 'install', '--prefer-offline', tarball)
}

/** The same as was installed in a folder, but what npm leaves out where it is told `--omit=optional`. */
function installWithoutOptional(folder: string, like: string): Promise<string> {
  cpSync(like, folder, { recursive: true, verbatimSymlinks: true })
  return npm(folder, 'prune', '--omit=optional', '--offline')
}

t.test('the package', async t => {
  const packed = await run('npm', 'pack', root, '--json', '--ignore-scripts', '--pack-destination', directory)
  const [{ filename, files }] = JSON.parse(packed.stdout)
  const tarball = join(directory, filename)
  const command = await install(join(directory, 'user'), tarball)
  const runDir = ['--run-dir', join(directory, 'run')]

  await t.test('holds what it takes to run, and the source of what runs in the kernel', async t => {
    const paths: string[] = files.map(({ path }: { path: string }) => path)
    for (const path of [
      'dist/cli/main.js',
      'dist/lib/index.d.ts',
      'dist/bpf/xdplb.bpf.o',
      'bpf/xdplb.bpf.c',
      'LICENSE',
    ]) {
      t.ok(paths.includes(path), path)
    }
    t.strictSame(
      paths.filter(path => /^(test|bench|cli|lib|\.).*(?<!\.md)$|tsbuildinfo/.test(path)),
      [],
    )
  })

  await t.test(
    'is imported with its types by a strict program, and by the examples of the README',
    async t => {
      const folder = join(directory, 'user')
      const programs = [consumer, ...examples.map(([, text = '']) => text)]
      const files = programs.map((_, index) => (index === 0 ? 'consumer.ts' : `example${index}.ts`))
      for (const [index, text] of programs.entries()) writeFileSync(join(folder, files[index] ?? ''), text)
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: strictest, files }))
      t.equal(examples.length, 2)
      t.match(await run(join(root, 'node_modules/.bin/tsc'), '-p', folder), { code: 0, stdout: '' })
      t.match(await run(process.execPath, join(folder, 'consumer.js')), {
        code: 0,
        stdout: `${Array(6).fill('function')}\n`,
      })
    },
  )

  await t.test('has a command that anybody can use, without root and without a compiler', async t => {
    mkdirSync(join(directory, 'bin'))
    mkdirSync(join(directory, 'home'))
    if (isRoot) chownSync(join(directory, 'home'), NOBODY, NOBODY)
    const where = await run('bash', '-c', 'for name in node npx sh env; do command -v $name; done')
    for (const path of where.stdout.trimEnd().split('\n')) {
      symlinkSync(realpathSync(path), join(directory, 'bin', path.split('/').at(-1) ?? ''))
    }
    t.match(await run(...asUser('npx', '--no-install', 'xdplb', '--help')), {
      code: 0,
      stdout: /^Usage: xdplb /,
    })
    t.match(await run(...asUser('npx', '--no-install', 'xdplb', 'check', '-f', seed)), {
      code: 0,
      stdout: '',
    })
  })

  await t.test('says what to do when libbpf is missing', { skip: isRoot ? false : 'needs root' }, async t => {
    const library = /libbpf\.so\.1 .*=> (.*)/.exec((await run('/sbin/ldconfig', '-p')).stdout)?.[1] ?? ''
    const hidden = [
      'unshare',
      '--net',
      '--mount',
      'sh',
      '-c',
      `mount --bind /dev/null $(readlink -f ${library}) && exec "$@"`,
      '-',
    ]
    t.match(await run(...hidden, command, 'run', '-f', seed, ...runDir), {
      code: 1,
      stderr: /^xdplb: load libbpf: .*apt-get install libbpf1.*\n$/,
    })
  })

  await t.test('says what to do when it was installed without koffi; check works all the same', async t => {
    const incomplete = await installWithoutOptional(join(directory, 'incomplete'), join(directory, 'user'))
    t.match(await run(incomplete, 'check', '-f', seed), { code: 0, stderr: '' })
    t.match(await run(incomplete, 'run', '-f', seed, ...runDir), {
      code: 1,
      stderr: /^xdplb: load koffi: .*install again without --omit=optional\n$/,
    })
  })
})
