import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { built } from '../../cli/demo/lab/built.js'
import { run, xdplb } from './xdplb.js'

const node = process.execPath
const main = built('cli/main.js')
const seed = new URL('../fixtures/seed/', import.meta.url).pathname

const files = t.testdir({
  'wrong.conf': `virtual_server 10.0.0.1 80 {
  lb_algo rr
  lb_kindd DR
  protocol TCP
  lb_kind DR
  real_server 10.0.0.71 80 {
    wieght 3
  }
}
`,
  'tunnels.conf': `virtual_server 10.0.0.1 80 {
  lb_algo rr
  lvs_method TUN
  protocol TCP
  real_server 192.168.1.71 80 {
  }
  real_server 2001:db8::72 80 {
    lvs_method TUN type ipip
  }
  real_server 10.0.0.73 80 {
    lvs_method DR
  }
}
`,
  'doubtful.conf': 'global_defs {\n  smtp_connect_timeout 5 6\n}\n',
})
const wrong = join(files, 'wrong.conf')

t.test('a configuration without faults prints nothing and exits with 0', async t => {
  for (const file of ['master.conf', 'backup.conf']) {
    t.strictSame(await xdplb('check', '-f', join(seed, file)), { code: 0, stdout: '', stderr: '' })
  }
})

t.test('each fault is one line that begins with its place; errors exit with 1', async t => {
  const { code, stdout, stderr } = await xdplb('check', '-f', wrong)
  t.match({ code, stderr }, { code: 1, stderr: '' })
  const lines = stdout.trimEnd().split('\n')
  t.match(lines[0], `${wrong}:3:3: error: `)
  t.match(lines[0], /did you mean 'lb_kind'\?/)
  t.match(lines[1], `${wrong}:7:5: error: `)
  t.equal(lines.length, 2)
})

t.test('warnings exit with 0, and with 1 when --strict', async t => {
  const file = join(files, 'doubtful.conf')
  const { code, stdout } = await xdplb('check', '-f', file)
  t.match(stdout, /: warning: /)
  t.notMatch(stdout, /: error: /)
  t.equal(code, 0)
  t.strictSame(await xdplb('check', '--strict', '-f', file), { code: 1, stdout, stderr: '' })
})

t.test('--summary says what it comes to', async t => {
  t.strictSame(await xdplb('check', '--summary', '-f', join(seed, 'master.conf')), {
    code: 0,
    stdout:
      'no errors, no warnings\n1 service, 2 real servers: 2 by DR\ntables for 262k flows and 262k persistent clients: 41.5 MiB of kernel memory\n',
    stderr: '',
  })
  t.match(await xdplb('check', '--summary', '-f', join(files, 'tunnels.conf')), {
    code: 0,
    stdout: /^1 service, 3 real servers: 1 by DR, 2 by TUN$/m,
  })
})

t.test('several files are read as one', async t => {
  const { stdout } = await xdplb(
    'check',
    '-f',
    join(seed, 'master.conf'),
    '-f',
    wrong,
    '-f',
    join(files, 'doubtful.conf'),
  )
  for (const place of ['wrong.conf:3:3', 'doubtful.conf:2:']) t.match(stdout, place)
})

t.test('a pipe is read as a file is', async t => {
  const script = '"$@" -f <(cat "$0")'
  t.match(await run('bash', '-c', script, wrong, node, main, 'check'), {
    code: 1,
    stdout: /^\/dev\/fd\/\d+:3:3: error: /,
  })
})

t.test('--json prints what a program reads', async t => {
  const { code, stdout } = await xdplb('check', '--json', '-f', wrong)
  t.equal(code, 1)
  t.match(JSON.parse(stdout), [
    { file: wrong, line: 3, column: 3, severity: 'error', code: 'unknown-keyword' },
  ])
  t.strictSame(await xdplb('check', '--json', '-f', join(seed, 'master.conf')), {
    code: 0,
    stdout: '[]\n',
    stderr: '',
  })
})

t.test('a file that cannot be read is exit 2, with its name', async t => {
  t.match(await xdplb('check', '-f', '/nowhere.conf'), {
    code: 2,
    stdout: '',
    stderr: /^xdplb: .*\/nowhere\.conf.*\n$/,
  })
})

t.test(
  'the default is where keepalived has it',
  { skip: existsSync('/etc/keepalived/keepalived.conf') },
  async t => {
    t.match(await xdplb('check'), { code: 2, stderr: '/etc/keepalived/keepalived.conf' })
  },
)

t.test('it needs neither rights nor koffi', async t => {
  const withoutKoffi = t.testdir({
    'no-koffi.cjs': `
      const Module = require('node:module')
      const load = Module._load
      Module._load = (name, ...rest) => {
        if (name === 'koffi') throw new Error('koffi was loaded')
        return load(name, ...rest)
      }`,
  })
  const preload = ['--require', join(withoutKoffi, 'no-koffi.cjs')]
  t.match(await run(node, ...preload, main, 'check', '-f', wrong), { code: 1, stderr: '' })
  t.match(
    await run(node, ...preload, main, 'run', '-f', wrong, '--run-dir', withoutKoffi),
    { code: 1, stderr: /xdplb: load koffi: no native module.*--omit=optional/ },
    'which is really not there then',
  )
  const asNobody =
    process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  t.match(await run(...asNobody, node, main, 'check', '-f', wrong), { code: 1, stderr: '' })
})

t.test('on a terminal there are colours and a sum, and no colours with NO_COLOR', async t => {
  const onTerminal = ['TERM=xterm', 'script', '-qec', `${node} ${main} check -f ${wrong}`, '/dev/null']
  const { stdout } = await run(...onTerminal)
  t.match(stdout, '\u001b[31m')
  t.match(stripVTControlCharacters(stdout), /\n2 errors, no warnings\r\n/)
  const bare = await run('NO_COLOR=1', ...onTerminal)
  t.equal(bare.stdout, stripVTControlCharacters(stdout))
})
