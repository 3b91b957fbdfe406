import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { run } from './xdplb.js'

const logModule = new URL('../../dist/cli/log.js', import.meta.url).href

/** A program with a log; what comes out on standard error. */
function program(format: string, body: string): string[] {
  const open = `import('${logModule}').then(({ openLog }) => openLog({ logLevel: 'info', logFormat: '${format}' }))`
  return [process.execPath, '-e', `${open}.then(log => { ${body} })`]
}

t.test('an exit loses no line', async t => {
  const { stderr } = await run(
    ...program('auto', 'for (let n = 1; n <= 5000; n++) log.info({ n }, "line"); process.exit()'),
  )
  const lines = stderr.trimEnd().split('\n')
  t.equal(lines.length, 5000)
  t.match(JSON.parse(lines.at(-1) ?? ''), { level: 'info', time: /^\d{4}-\d\d-\d\dT/, n: 5000, msg: 'line' })
})

t.test('a password is blotted out, wherever a configuration holds it', async t => {
  const body = `
    const authentication = { type: 'PASS', password: 's3cret' }
    const config = { vrrpInstances: [{ authentication }] }
    log.info(authentication); log.info({ authentication }); log.info(config); log.info({ config })`
  for (const format of ['json', 'pretty']) {
    const { stderr } = await run(...program(format, body))
    t.equal(stderr.match(/\[Redacted\]/g)?.length, 4, format)
    t.notMatch(stderr, 's3cret')
  }
})

t.test('a terminal gets lines to read, in colour unless NO_COLOR says no', async t => {
  const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`
  const command = program('auto', 'log.warn({ n: 1 }, "careful")').map(quote).join(' ')
  const { stdout } = await run('TERM=xterm', 'script', '-qec', command, '/dev/null')
  t.match(stripVTControlCharacters(stdout), /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: careful \{"n":1\}\r\n$/)
  t.match(stdout, '\u001b[33m')
  const bare = await run('NO_COLOR=1', 'TERM=xterm', 'script', '-qec', command, '/dev/null')
  t.equal(bare.stdout, stripVTControlCharacters(bare.stdout))
})
