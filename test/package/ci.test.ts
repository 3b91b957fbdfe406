import { copyFileSync, existsSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run } from '../cli/xdplb.js'

// The scripts of .ci/ in an empty project, with programs around them that only note that they were called.

const scripts = new URL('../../.ci/', import.meta.url).pathname
const isRoot = process.getuid?.() === 0

/** What tap prints of tests that failed, and of one that did not. */
const failing = `
# Subtest: test/one.test.ts
    # Subtest: a flow
        ok 1 - should be equal
        not ok 2 - goes on
          ---
          diff: |
            not ok 9 - this is what a test was given
          ...
        1..2
    not ok 1 - a flow # time=3.1ms
      ---
      at:
        lineNumber: 3
      ...
    ok 2 - another # time=1ms
    1..2
not ok 1 - test/one.test.ts # time=7.2ms
# Subtest: test/two.test.ts
    ok 1 - should be equal
    1..1
ok 2 - test/two.test.ts # time=1ms
# Subtest: test/three.test.ts
    not ok 1 - is known to fail # TODO
    not ok 2 - on Linux 6.1 # time=9ms {
        not ok 1 - is loaded
        1..1
    }
    1..2
not ok 3 - test/three.test.ts # time=9ms
# Subtest: test/four.test.ts
    1..0
not ok 4 - test/four.test.ts # time=120000ms
`

/** Programs that every machine has. */
const basics = 'awk bash cat dirname grep id mktemp node rm sed tail tee touch'

async function sandbox(t: Test) {
  const directory = t.testdir({
    bin: {},
    '.ci': {},
    'package.json': '{ "scripts": {} }',
    'package-lock.json': '{}',
  })
  const bin = join(directory, 'bin')
  const log = join(directory, 'calls')
  for (const script of ['setup', 'run']) copyFileSync(join(scripts, script), join(directory, '.ci', script))
  const { stdout } = await run('bash', '-c', `for name in ${basics}; do type -P $name; done`)
  for (const path of stdout.trimEnd().split('\n')) symlinkSync(path, join(bin, path.split('/').at(-1) ?? ''))
  return {
    directory,
    /** Adds programs that note their call and then do this. */
    add(names: readonly string[], body = '') {
      for (const name of names) {
        writeFileSync(join(bin, name), `#!/bin/bash\necho "\${0##*/} $*" >>${log}\n${body}\n`, {
          mode: 0o755,
        })
      }
    },
    /** Runs a script with these programs alone. */
    ci: (script: string, { argument = 'test', before = [] as readonly string[] } = {}) =>
      run(`PATH=${bin}`, ...before, join(bin, 'bash'), join(directory, '.ci', script), argument),
    /** What was called since the last time. */
    calls(): string[] {
      const calls = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []
      writeFileSync(log, '')
      return calls
    },
  }
}

const compilers = ['clang', 'llvm-strip']
const tools = ['curl', 'ethtool', 'ipvsadm', 'keepalived', 'linux.uml', 'modprobe']
const npm = '/bin/mkdir -p node_modules && echo {} >node_modules/.package-lock.json; echo much noise'

t.test('setup', { skip: isRoot ? false : 'needs root' }, async t => {
  await t.test('names each package that is not there, then installs it, and npm packages', async t => {
    const { ci, add, calls } = await sandbox(t)
    add(tools)
    add(['npm'], npm)
    add(['apt-get'], 'echo much noise')
    const outcome = await ci('setup')
    t.strictSame(outcome, {
      code: 0,
      stdout: '',
      stderr: 'setup: installing clang\nsetup: installing llvm\nsetup: installing npm packages\n',
    })
    t.strictSame(calls(), [
      'apt-get update',
      'apt-get install -y --no-install-recommends clang llvm',
      'npm ci --no-audit --no-fund',
    ])
  })

  await t.test('for other kernels names emulator and compilers too', async t => {
    const { ci, add } = await sandbox(t)
    add([...compilers, ...tools, 'apt-get'])
    add(['npm'], npm)
    t.match(await ci('setup', { argument: 'kernels' }), {
      code: 0,
      stderr:
        /clang-14\nsetup: installing clang-19\nsetup: installing qemu-system-x86\nsetup: installing busybox-static\n/,
    })
  })

  await t.test('installs nothing when all is there', async t => {
    const { ci, add, calls, directory } = await sandbox(t)
    add([...compilers, ...tools, 'apt-get'])
    add(['npm'], npm)
    await ci('setup')
    calls()
    t.strictSame(await ci('setup'), { code: 0, stdout: '', stderr: '' })
    t.strictSame(calls(), [])
    const later = new Date(Date.now() + 5000)
    utimesSync(join(directory, 'package-lock.json'), later, later)
    t.match(await ci('setup'), { code: 0, stderr: 'setup: installing npm packages\n' })
    t.strictSame(calls(), ['npm ci --no-audit --no-fund'], 'but npm packages, when the lock file is newer')
  })

  await t.test('without root or apt-get says what to install, and fails', async t => {
    const { ci, add, calls } = await sandbox(t)
    add([...tools, 'npm'])
    t.match(await ci('setup'), { code: 1, stderr: /^setup: not there: clang llvm .*package manager\n$/ })
    add(['apt-get'])
    const asNobody = ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    t.match(await ci('setup', { before: asNobody }), {
      code: 1,
      stderr: /^setup: not there: clang llvm; as root: apt-get install clang llvm\n$/,
    })
    t.strictSame(calls(), [])
  })

  await t.test('shows what an installer complained of', async t => {
    const { ci, add } = await sandbox(t)
    add([...compilers, ...tools])
    add(['npm'], 'echo the lock file is wrong >&2; exit 1')
    t.match(await ci('setup'), { code: 1, stderr: /the lock file is wrong\nsetup: npm ci failed\n$/ })
  })
})

t.test('run', async t => {
  /** What a run says when npm does this for each script; the sandbox has all else. */
  async function ending(t: Test, scripts: Record<string, string>, ...missing: string[]) {
    const { ci, add, directory } = await sandbox(t)
    add([...compilers, ...tools].filter(name => !missing.includes(name)))
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ scripts }))
    const cases = Object.entries(scripts).map(([name, body]) => `"run ${name}") ${body};;`)
    add(['npm'], `case "$*" in ci*) ${npm};; ${cases.join(' ')} esac`)
    const { code, stdout } = await ci('run')
    return { code, last: stdout.split('\n').at(-2), stdout }
  }
  const tap = (summary: string) =>
    `echo '    # { total: 99, pass: 99 }'; echo '# { ${summary} }'; echo '# time=1ms'`
  const skip = isRoot ? false : 'needs root'

  await t.test('adds up what the suites counted, and the static checks as one', { skip }, async t => {
    const scripts = {
      check: 'true',
      test: tap('total: 40, pass: 39, skip: 1'),
      'test:interop': tap('total: 2, pass: 2'),
    }
    t.match(await ending(t, scripts), {
      code: 0,
      last: '42 passed, 0 failed',
      stdout: '# { total: 40, pass: 39',
    })
  })

  await t.test('fails with any failure', { skip }, async t => {
    const failing = `${tap('total: 3, pass: 1, fail: 2')}; exit 1`
    t.match(await ending(t, { check: 'exit 1', test: failing }), { code: 1, last: '1 passed, 3 failed' })
    t.match(
      await ending(t, { check: 'true', test: 'exit 1' }),
      { code: 1, last: '1 passed, 1 failed' },
      'a crash',
    )
    t.match(
      await ending(t, { check: 'true', test: 'true' }),
      { code: 1, last: '1 passed, 1 failed' },
      'no test',
    )
    t.match(
      await ending(t, { check: 'true', test: `${tap('total: 3, pass: 3')}; exit 1` }),
      { code: 1, last: '4 passed, 1 failed' },
      'a crash behind the tests',
    )
  })

  await t.test('says at the end what failed, each with its file', { skip }, async t => {
    const say = (text: string) => `printf '%s' '${text}'`
    const outcome = await ending(t, {
      check: 'echo format; echo lint: unused; exit 1',
      test: `${say(failing)}; ${tap('total: 9, pass: 5, fail: 4')}; exit 1`,
      'test:interop': tap('total: 2, pass: 2'),
      'test:kernels': 'echo no such emulator; exit 1',
    })
    t.equal(
      outcome.stdout.split('=== what failed\n')[1],
      `npm run check:
    format
    lint: unused
test/one.test.ts: a flow > goes on
test/three.test.ts: on Linux 6.1
test/three.test.ts: on Linux 6.1 > is loaded
test/four.test.ts
npm run test:kernels:
    no such emulator

7 passed, 6 failed
`,
    )
    t.notMatch((await ending(t, { check: 'true', test: tap('total: 1, pass: 1') })).stdout, 'what failed')
  })

  await t.test('does not test on a machine that could not be set up', async t => {
    t.match(await ending(t, { check: 'true', test: tap('total: 1, pass: 1') }, 'clang'), {
      code: 1,
      last: '0 passed, 1 failed',
    })
  })
})
