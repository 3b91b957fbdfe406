import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc, { type Arbitrary } from 'fast-check'
import t, { type Test } from 'tap'
import { keywordTable, parseConfig, printConfig, validateConfig } from '../../lib/config/index.js'
import { configInput } from './arbitrary.js'

const seed = readFileSync(new URL('../fixtures/seed/master.conf', import.meta.url), 'utf8')

/** Everything that means something somewhere, and some that means nothing. */
const words = [
  ...new Set(seed.split(/\s+/)),
  ...new Set(keywordTable().map(({ keyword }) => keyword)),
  ...['"', '\\', "'", '{', '}', '!', '#', '\r', '\0', '\ufeff', '""', '"a b"', "'a", 'ß'],
  ...[
    '$X=',
    '$X',
    '@a',
    '~SEQ(x,3)',
    'include x',
    '-1',
    '1e9',
    '99999999999',
    '0.5',
    'fwmark',
    '::1',
    '10.0.0.1/33',
  ],
]

/** Nothing is thrown, every fault has its place in the text, and what is printed says the same. */
function survives(text: string): void {
  const { config, diagnostics } = parseConfig(text)
  const lines = text.split('\n')
  for (const { line, column, message } of diagnostics) {
    const length = lines[line - 1]?.length
    assert.ok(length !== undefined && column >= 1 && column <= length + 1, `${line}:${column} ${message}`)
  }
  const printed = printConfig(config)
  assert.deepStrictEqual(parseConfig(printed).config, config, printed)
}

function survivesAll(t: Test, texts: Arbitrary<string>): void {
  t.doesNotThrow(() => fc.assert(fc.property(texts, survives), { numRuns: 25, endOnFailure: true }))
}

/** A text with words in places where others were. */
function damaged(text: string): Arbitrary<string> {
  const damage = fc.tuple(fc.nat(text.length), fc.nat(20), fc.constantFrom('', ' ', '\n', ...words))
  return fc
    .array(damage, { minLength: 1, maxLength: 6 })
    .map(places =>
      places.reduce((text, [at, length, word]) => text.slice(0, at) + word + text.slice(at + length), text),
    )
}

t.test('random characters', t => {
  survivesAll(t, fc.string({ unit: 'binary', maxLength: 500 }))
  survivesAll(
    t,
    fc.uint8Array({ maxLength: 1000 }).map(bytes => Buffer.from(bytes).toString('utf8')),
  )
  t.end()
})

t.test('random words on random lines', t => {
  const token = fc.tuple(fc.constantFrom(...words), fc.constantFrom(' ', ' ', '\n', '\n', ''))
  survivesAll(
    t,
    fc.array(token, { maxLength: 200 }).map(tokens => tokens.flat().join('')),
  )
  t.end()
})

t.test('files that work, damaged', t => {
  survivesAll(t, damaged(seed))
  survivesAll(
    t,
    configInput
      .map(validateConfig)
      .chain(({ config }) => damaged(config === undefined ? '' : printConfig(config))),
  )
  t.end()
})

t.test('depth, length and number have no limit that hurts', t => {
  const cases: [title: string, text: string][] = [
    ['braces that open', '{'.repeat(100_000)],
    ['braces that close', '}'.repeat(1000).concat('\n').repeat(20)],
    ['blocks in blocks', 'a {\n'.repeat(20_000)],
    ['blocks in blocks that are known', 'vrrp_instance V {\nauthentication {\n'.repeat(10_000)],
    ['a long line', 'x'.repeat(1_000_000)],
    ['a long line of quotes', '"'.repeat(1001)],
    ['a long line of braces and quotes', '{"'.repeat(500)],
    ['many lines', 'weight 1\n'.repeat(20_000)],
    ['many definitions', '$X=1\n'.repeat(20_000)],
    ['many words', 'virtual_server 10.0.0.1 80 {\n'.concat('a '.repeat(500), '\n}')],
  ]
  for (const [title, text] of cases) {
    const before = process.cpuUsage()
    parseConfig(text)
    const { user, system } = process.cpuUsage(before)
    t.ok(user + system < 3_000_000, `${title}: ${(user + system) / 1000} ms of CPU`)
  }
  t.end()
})
