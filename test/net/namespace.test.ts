import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ensureBpffs, isBpffs } from '../../lib/net/bpffs.js'
import { libc, libcOk } from '../../lib/net/libc.js'
import { inNamespace, UnnamedNamespace } from '../../lib/net/namespace.js'
import { asNobody, makeNamespace, skip } from './netns.js'

const here = () => readlinkSync('/proc/thread-self/ns/net')

t.test('another network namespace', { skip }, async t => {
  const name = makeNamespace(t, 'entered')
  const home = here()

  t.test('is entered by name or by path, and left again', async t => {
    const byName = inNamespace(name, here)
    const byPath = inNamespace(`/run/netns/${name}`, here)
    t.not(byName, home)
    t.equal(byPath, byName)
    t.equal(here(), home)
    t.equal(inNamespace(`/proc/${process.pid}/ns/net`, here), home)
  })

  t.test('is left also when the function throws, and when it enters a further one', async t => {
    const other = makeNamespace(t, 'nested')
    t.throws(
      () =>
        inNamespace(name, () => {
          throw new Error('inside')
        }),
      { message: 'inside' },
    )
    t.equal(here(), home)
    const [inner, between] = inNamespace(name, () => [inNamespace(other, here), here()])
    t.not(inner, between)
    t.not(between, home)
    t.equal(here(), home)
  })

  t.test('is where processes run that are started in it', async t => {
    const child = inNamespace(name, () =>
      execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }),
    )
    t.equal(child.trim(), inNamespace(name, here))
  })

  t.test('takes no asynchronous function, which would run at home after its first await', async t => {
    t.throws(() => inNamespace(name, async () => here()), { code: 'USAGE', message: /a promise, expected/ })
    t.equal(here(), home)
  })

  t.test('that does not exist is said by its path', async t => {
    t.throws(() => inNamespace('nowhere', here), {
      code: 'NOT_FOUND',
      message: 'open namespace: /run/netns/nowhere: ENOENT',
    })
    t.throws(() => inNamespace('/etc/hostname', here), { message: 'enter namespace: /etc/hostname: EINVAL' })
    t.equal(here(), home)
  })

  // Seen only with require(): to import a module is a job for the pool already.
  t.test('is not where the thread pool is born, which would resolve names there for ever', async t => {
    const calls: string[] = []
    const setns = () => {
      calls.push('enter')
      return 0
    }
    const fresh = await t.mockImport<typeof import('../../lib/net/namespace.js')>(
      '../../lib/net/namespace.js',
      {
        'node:crypto': { randomBytes: () => calls.push('start the pool') },
        '../../lib/net/libc.js': { libcOk, libc: () => ({ ...libc(), setns }) },
      },
    )
    fresh.inNamespace(name, () => calls.push('run'))
    fresh.inNamespace(name, () => calls.push('run'))
    t.strictSame(calls, ['start the pool', 'enter', 'run', 'enter', 'enter', 'run', 'enter'])
  })
})

t.test('a BPF file system', { skip }, async t => {
  t.test('is mounted on an empty directory, once', async t => {
    const path = mkdtempSync(join(tmpdir(), 'xdplb-bpffs-'))
    t.teardown(() => {
      if (isBpffs(path)) execFileSync('umount', [path])
      rmdirSync(path)
    })
    t.equal(isBpffs(path), false)
    ensureBpffs(path)
    t.equal(isBpffs(path), true)
    ensureBpffs(path)
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
    t.equal(mounts.filter(line => line.includes(` ${path} bpf `)).length, 1)
  })

  t.test("hides nobody's files", async t => {
    const path = t.testdir({ precious: '' })
    t.throws(() => ensureBpffs(path), {
      code: 'USAGE',
      message: `open bpf file system: ${path}: a directory with 1 entries, expected a BPF file system or an empty directory to mount one on`,
    })
  })

  t.test('needs its directory, and root to mount it', async t => {
    t.throws(() => ensureBpffs('/nowhere'), {
      code: 'NOT_FOUND',
      message: 'open bpf file system: /nowhere: ENOENT',
    })
    const path = t.testdir()
    t.throws(() => asNobody(() => ensureBpffs(path)), {
      code: 'PERMISSION',
      message: /^mount bpf file system: .*, expected root/,
    })
  })
})

t.test('a network namespace without a name', { skip }, async t => {
  const home = here()
  const namespace = UnnamedNamespace.make()
  t.equal(here(), home, 'is not entered by making it')
  t.not(namespace.enter(here), home)
  t.equal(namespace.enter(here), namespace.enter(here))

  const link = (...args: string[]) =>
    namespace.enter(() => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' }))
  link('link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'two')
  t.match(link('-brief', 'link'), /\bone@two\b/)

  namespace.close()
  t.throws(() => namespace.enter(here), { code: 'CLOSED' })
})
