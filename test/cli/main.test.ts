import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { built } from '../../cli/demo/lab/built.js'
import { run, xdplb } from './xdplb.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const skip = process.getuid?.() === 0 ? false : 'needs root to show what the demo shows'
const commands = ['run', 'check', 'status', 'conns', 'where', 'trace', 'realserver', 'demo', 'bench']

t.test('--version is that of the package', async t => {
  t.strictSame(await xdplb('--version'), { code: 0, stdout: `${version}\n`, stderr: '' })
})

t.test(
  '--help names every command; that of a command has examples and the options common to all',
  async t => {
    const { code, stdout, stderr } = await xdplb('--help')
    t.match({ code, stderr }, { code: 0, stderr: '' })
    for (const command of commands) t.match(stdout, `\n  ${command} `)
    const helps = await Promise.all(
      [...commands, 'realserver up'].map(async command => ({
        command,
        ...(await xdplb(...command.split(' '), '--help')),
      })),
    )
    for (const { command, ...help } of helps) {
      t.equal(help.code, 0)
      for (const text of ['Global Options:', '--run-dir', /Examples?:\n {2}[$#] xdplb /])
        t.match(help.stdout, text, command)
    }
  },
)

t.test('a command line that does not fit is exit 2, one line, and a hint where there is one', async t => {
  const wrong: [args: string[], stderr: string | RegExp][] = [
    [['stauts'], /^xdplb: unknown command 'stauts'\n\(Did you mean status\?\)\n$/],
    [['run', '--xdp-mod', 'native'], /^xdplb: unknown option '--xdp-mod'\n\(Did you mean --xdp-mode\?\)\n$/],
    [
      ['run', '--xdp-mode', 'fast'],
      /^xdplb: .*'fast' is invalid\. Allowed choices are auto, native, generic\.\n$/,
    ],
    [['check', '-f'], /^xdplb: option '-f, --file <file\.\.\.>' argument missing\n$/],
    [
      ['--name', 'lb.1', 'status'],
      'xdplb: name balancer: "lb.1", expected 1 to 64 letters, none of them "." or "/"\n',
    ],
    [['status', 'now'], /^xdplb: too many arguments for 'status'.*\n$/],
    [['realserver', 'upp'], /^xdplb: unknown command 'upp'/],
    [[], /^Usage: xdplb/],
  ]
  const outcomes = await Promise.all(wrong.map(([args]) => xdplb(...args)))
  for (const [index, [args, stderr]] of wrong.entries()) {
    t.match(outcomes[index], { code: 2, stdout: '', stderr }, args.join(' '))
  }
})

t.test('what is printed arrives whole, however much more it is than a pipe holds', async t => {
  const file = join(t.testdir({ 'wrong.conf': 'lb_kindd DR\n'.repeat(3000) }), 'wrong.conf')
  const { code, stdout } = await xdplb('check', '-f', file, '--json')
  t.equal(code, 1)
  t.equal(JSON.parse(stdout).length, 3000)
})

t.test('a reader that has seen enough is no error', { skip }, async t => {
  const script = '{ "$@"; echo "exit $?" >&2; } | head -n 2'
  const { stderr } = await run('bash', '-c', script, '-', process.execPath, built('cli/main.js'), 'demo')
  t.equal(stderr, 'exit 0\n')
})
