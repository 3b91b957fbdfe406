import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { Report } from '../../lib/config/diagnostic.js'
import { expandBraces } from '../../lib/config/glob.js'
import { Includer } from '../../lib/config/include.js'
import { loadConfig, readConfig } from '../../lib/config/index.js'
import { Preprocessor } from '../../lib/config/preprocessor.js'
import { service } from './examples.js'

/** Writes files, reads `main.conf` and shows what came of it: router_id, which each file overwrites, and the faults. */
async function read(t: Test, files: Readonly<Record<string, string>>, ...names: string[]) {
  const directory = t.testdir()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text)
  }
  const paths = names.length === 0 ? ['main.conf'] : names
  return shown(directory, ...paths)
}

async function shown(directory: string, ...names: string[]) {
  const { config, diagnostics } = await readConfig(names.map(name => join(directory, name)))
  return {
    groups: config.virtualServerGroups.map(({ name }) => name),
    said: diagnostics
      .filter(({ code }) => code !== 'not-honoured')
      .map(({ file, line, column, severity, message }) =>
        `${file}:${line}:${column} ${severity} ${message}`.replaceAll(`${directory}/`, ''),
      ),
  }
}

/** A block that leaves its name behind. */
const group = (name: string) => `virtual_server_group ${name} {\n10.0.0.1 80\n}\n`

t.test('files are read where they are included, relative to the one that includes them', async t => {
  t.strictSame(
    await read(t, {
      'main.conf': `${group('a')}include sub/one.conf\n${group('z')}`,
      'sub/one.conf': `${group('b')}include two.conf\ninclude ../three.conf`,
      'sub/two.conf': group('c'),
      'three.conf': group('d'),
    }),
    { groups: ['a', 'b', 'c', 'd', 'z'], said: [] },
  )
})

t.test('an include may stand inside a block, and its file may open or close one', async t => {
  const { groups, said } = await read(t, {
    'main.conf': 'virtual_server_group a {\ninclude one.conf\n10.0.0.3 80\n}',
    'one.conf': '10.0.0.2 80\n}\nvirtual_server_group b {\n',
  })
  t.same(groups, ['a', 'b'])
  t.same(said, [])
})

t.test('faults are reported with the file in which they are', async t => {
  const { said } = await read(t, { 'main.conf': 'foo\ninclude one.conf\nbar', 'one.conf': '\n  baz' })
  t.same(said, [
    "main.conf:1:1 error Unknown keyword 'foo'",
    "main.conf:3:1 error Unknown keyword 'bar'",
    "one.conf:2:3 error Unknown keyword 'baz'",
  ])
})

t.test('patterns name files as glob(3) does, sorted', async t => {
  const files = Object.fromEntries(
    ['b', 'a', 'c1', 'c2', 'd-e', '[x]'].map(name => [`conf.d/${name}.conf`, group(name)] as const),
  )
  const cases: [pattern: string, groups: string[]][] = [
    ['conf.d/*.conf', ['[x]', 'a', 'b', 'c1', 'c2', 'd-e']],
    ['conf.d/?.conf', ['a', 'b']],
    ['conf.d/c[12].conf', ['c1', 'c2']],
    ['conf.d/c[\\!1].conf', ['c2']],
    ['conf.d/[a-b].conf', ['a', 'b']],
    ['conf.d/[b-a].conf', []],
    ['conf.d/\\[x\\].conf', ['[x]']],
    ['conf.d/{b,a}.conf', ['b', 'a']],
    ['conf.d/{c{1,2},a}.conf', ['c1', 'c2', 'a']],
    ['*/d*', ['d-e']],
    ['conf.d/*.none', []],
    ['none.d/*', []],
  ]
  for (const [pattern, groups] of cases) {
    const result = await read(t, {
      ...files,
      'conf.d/.hidden.conf': group('hidden'),
      'main.conf': `include ${pattern}`,
    })
    t.strictSame(result, { groups, said: [] }, pattern)
  }
  const hidden = await read(t, { 'conf.d/.hidden.conf': group('hidden'), 'main.conf': 'include conf.d/.h*' })
  t.same(hidden.groups, ['hidden'])
  const absolute = t.testdir({ 'x.conf': group('x') })
  await writeFile(join(absolute, 'main.conf'), `include ${absolute}/*x.conf`)
  t.same((await shown(absolute, 'main.conf')).groups, ['x'])
})

t.test('braces are taken apart one by one', t => {
  t.same(expandBraces('a{b,c}d{e,f}', 10), ['abde', 'abdf', 'acde', 'acdf'])
  t.same(expandBraces('{a,}b', 10), ['ab', 'b'])
  t.same(expandBraces('a{b', 10), ['a{b'])
  t.same(expandBraces('\\{a,b}', 10), ['\\{a,b}'])
  t.same(expandBraces('{a\\,b,c}', 10), ['a\\,b', 'c'])
  t.equal(expandBraces('{a,b}'.repeat(200), 10).length, 10)
  t.end()
})

t.test(
  'a file that is missing is a warning, and an error where the letter behind include says so',
  async t => {
    const missing = "Config files missing 'x.conf'."
    const none = "No config files matched '*.none'."
    const cases: [line: string, said: string[]][] = [
      ['include x.conf', [`main.conf:1:9 warning ${missing}`]],
      ['includer x.conf', [`main.conf:1:10 warning ${missing}`]],
      ['includem x.conf', [`main.conf:1:10 error ${missing}`]],
      ['includew x.conf', [`main.conf:1:10 error ${missing}`]],
      ['includea x.conf', [`main.conf:1:10 error ${missing}`]],
      [
        'include {x,main}.none',
        [
          `main.conf:1:9 warning Config files missing 'x.none'.`,
          `main.conf:1:9 warning Config files missing 'main.none'.`,
        ],
      ],
      [
        'includeb {x,y}.conf',
        [`main.conf:1:10 error ${missing}`, `main.conf:1:10 error Config files missing 'y.conf'.`],
      ],
      ['include *.none', []],
      ['includem *.none', []],
      ['includew *.none', [`main.conf:1:10 error ${none}`]],
      ['includea *.none', [`main.conf:1:10 error ${none}`]],
    ]
    for (const [line, said] of cases) t.strictSame((await read(t, { 'main.conf': line })).said, said, line)
  },
)

t.test('only regular files that nobody can execute are included', async t => {
  const directory = t.testdir({
    run: group('run'),
    dir: {},
    'main.conf': 'include {run,dir}',
    'strict.conf': 'includer run',
  })
  await chmod(join(directory, 'run'), 0o755)
  const what = 'is not a regular non-executable file - skipping'
  t.strictSame(await shown(directory, 'main.conf'), {
    groups: [],
    said: [
      `main.conf:1:9 warning Configuration file 'run' ${what}`,
      `main.conf:1:9 warning Configuration file 'dir' ${what}`,
    ],
  })
  t.same((await shown(directory, 'strict.conf')).said, [
    `strict.conf:1:10 error Configuration file 'run' ${what}`,
  ])
})

t.test('files that include themselves end', async t => {
  const again = (place: string, file: string) =>
    `${place} error Configuration file '${file}' includes itself - skipping`
  t.strictSame(await read(t, { 'main.conf': `include main.conf\n${group('a')}` }), {
    groups: ['a'],
    said: [again('main.conf:1:9', 'main.conf')],
  })
  t.strictSame(
    await read(t, {
      'main.conf': `include one.conf\n${group('a')}`,
      'one.conf': `include main.conf\n${group('b')}`,
    }),
    { groups: ['b', 'a'], said: [again('one.conf:1:9', 'main.conf')] },
  )
  const directory = t.testdir({ 'main.conf': 'include link.conf' })
  await symlink('main.conf', join(directory, 'link.conf'))
  t.same(
    (await shown(directory, 'main.conf')).said,
    [again('main.conf:1:9', 'link.conf')],
    'by another name, too',
  )
})

t.test('files that include one another many times over end', async t => {
  const directory = t.testdir({
    ...Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`${i}.conf`, `include ${i + 1}.conf\n`.repeat(2)]),
    ),
    '20.conf': '',
  })
  const report = new Report()
  await new Includer({ report, preprocessor: new Preprocessor() }, 50).read(join(directory, '0.conf'))
  t.match(report.diagnostics()[0]?.message, /is one of more than 50 files - skipping$/)
  const braces = await read(t, { 'main.conf': `include ${'{a,b}'.repeat(200)}` })
  t.same(braces.said, ['main.conf:1:9 error more names in braces than anybody means - skipping'])
})

t.test('several files are read as one, in their order', async t => {
  const files = {
    'b.conf': `${group('b')}virtual_server_group c {\n`,
    'a.conf': `10.0.0.2 80\n}\n${group('a')}`,
  }
  t.strictSame(await read(t, files, 'b.conf', 'a.conf'), { groups: ['b', 'c', 'a'], said: [] })
})

t.test('a file that cannot be read is an error of its own', async t => {
  const directory = t.testdir()
  const missing = join(directory, 'none.conf')
  await t.rejects(readConfig(missing), {
    code: 'NOT_FOUND',
    message: `read configuration: ${missing}: no such file`,
  })
  await t.rejects(readConfig(directory), {
    code: 'NOT_FOUND',
    message: `read configuration: ${directory}: a directory, expected a file`,
  })
})

t.test('loading throws only when its errors leave nothing to run', async t => {
  const directory = t.testdir({
    'good.conf': `foo\n${service('')}`,
    'bad.conf': `foo\n${service('lb_kind NAT')}`,
    'empty.conf': '',
  })
  const good = await loadConfig(join(directory, 'good.conf'))
  t.equal(good.virtualServers.length, 1)
  t.equal((await loadConfig([join(directory, 'empty.conf')])).virtualServers.length, 0)
  const bad = join(directory, 'bad.conf')
  await t.rejects(loadConfig(bad), {
    code: 'CONFIG',
    message: `load configuration: 2 errors
${bad}:1:1: error: Unknown keyword 'foo'
${bad}:6:1: error: forwarding NAT is refused: XDP direct routing cannot translate addresses - 10.0.0.1:80/tcp is not run; use DR or TUN`,
  })
})
