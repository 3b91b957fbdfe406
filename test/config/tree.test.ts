// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${…} is keepalived's way to use a variable, too
import t from 'tap'
import { Report } from '../../lib/config/diagnostic.js'
import { type LogicalLine, lex } from '../../lib/config/lexer.js'
import { Preprocessor } from '../../lib/config/preprocessor.js'
import { buildTree, type Shape, type Statement } from '../../lib/config/tree.js'
import { joinCommand, quoteWord, splitCommand } from '../../lib/config/words.js'

/** `outer` and `inner` cannot be without a block. */
const shape: Shape = { opens: word => (word === 'outer' || word === 'inner' ? shape : undefined) }

function read(text: string) {
  const report = new Report()
  const lines = lex(text, 'f', { report, preprocessor: new Preprocessor() })
  const tree = buildTree(lines, shape, report)
  const said = report.diagnostics().map(({ line, column, message }) => `${line}:${column} ${message}`)
  return { tree: show(tree), said, lines, statements: tree }
}

/** `keyword|word|word{inside};` */
function show(statements: readonly Statement[]): string {
  return statements
    .map(({ keyword, parameters, block }) => {
      const words = [keyword, ...parameters].map(({ text }) => text).join('|')
      return block === undefined ? words : `${words}{${show(block)}}`
    })
    .join(';')
}

t.test('lines are taken apart as keepalived takes them apart', t => {
  const cases: [title: string, text: string, tree: string][] = [
    ['words end at blanks, tabs, form feeds and vertical tabs', 'a b\tc\fd\ve', 'a|b|c|d|e'],
    ['"…" is one word, also an empty one', 'a "b c" ""', 'a|b c|'],
    ['quotes may adjoin words', 'abc"d e"f', 'abc|d e|f'],
    ['no escapes in quotes', 'a "b\\c"', 'a|b\\c'],
    ['single quotes mean nothing', "a 'b c'", "a|'b|c'"],
    ['! and # begin a comment anywhere', 'a b#c\nd!e\n# f\n!g', 'a|b;d'],
    ['not in double quotes', 'a "b#c!d"', 'a|b#c!d'],
    ['but in single quotes', "a 'b#c'", "a|'b"],
    ['nor behind a backslash, which is dropped then', 'a b\\#c\\!d', 'a|b#c!d'],
    ['another backslash stays', 'a b\\c', 'a|b\\c'],
    ['two backslashes protect nothing', 'a b\\\\#c', 'a|b\\\\'],
    ['a line does not go on behind a backslash', 'a b \\\nc', 'a|b|\\;c'],
    ['braces need no blanks and end lines', 'a{b{c d}}e', 'a{b{c|d}};e'],
    ['a brace may be on the next line', 'a\n\n# comment\n{\nb\n}', 'a{b}'],
    ['braces in quotes are words', 'a "{" "}"', 'a|{|}'],
    ['a block on one line holds one statement', 'a { b c d }', 'a{b|c|d}'],
    ['an empty block', 'a{}', 'a{}'],
    ['CR LF', 'a {\r\nb c\r\r\n}\r\n', 'a{b|c}'],
    ['a last line without a newline', 'a\nb', 'a;b'],
    ['nothing', '', ''],
    ['only blanks', ' \n\t\n', ''],
    ['characters beyond ASCII', 'a ß "日本 語"', 'a|ß|日本 語'],
    ['statements of one name are kept apart', 'a {\nb\n}\na {\nc\n}', 'a{b};a{c}'],
  ]
  for (const [title, text, tree] of cases) t.match(read(text), { tree, said: [] }, title)
  t.end()
})

t.test('every word knows where it stands', t => {
  const { statements } = read('a  "b c"d {\n\te\\#x f }')
  const [a, e] = [statements[0], statements[0]?.block?.[0]]
  const at = (statement: Statement | undefined) =>
    statement && [statement.keyword, ...statement.parameters].map(word => [word.text, word.line, word.column])
  t.same(at(a), [
    ['a', 1, 1],
    ['b c', 1, 4],
    ['d', 1, 9],
  ])
  t.same(at(e), [
    ['e#x', 2, 2],
    ['f', 2, 7],
  ])
  t.equal(a?.keyword.file, 'f')
  t.end()
})

t.test('keywords that name a script take their line apart as a shell would', t => {
  const cases: [title: string, text: string, words: string][] = [
    ['single quotes quote', "notify '/bin/a b' user", 'notify|/bin/a b|user'],
    ['adjoining parts make one word', `notify_up a"b c"'d e'f`, 'notify_up|ab cd ef'],
    ['quotes in other quotes are text', `script "a 'b' c"`, "script|a 'b' c"],
    ['an escaped quote does not close', 'misc_path "a \\"b\\" c"', 'misc_path|a \\"b\\" c'],
    ['a comment still ends the line', "quorum_up '/bin/a # b'", 'quorum_up'],
  ]
  for (const [title, text, tree] of cases) t.equal(read(text).tree, tree, title)
  t.same(read("quorum_up '/bin/a # b'").said, ['1:11 Unterminated quote'])
  t.end()
})

t.test('a command becomes a program and its arguments', t => {
  const cases: [command: string, argv: string[]][] = [
    ['/bin/x a b', ['/bin/x', 'a', 'b']],
    [`/bin/x 'a b' "c d"e`, ['/bin/x', 'a b', 'c de']],
    ["/bin/x '' a", ['/bin/x', '', 'a']],
    ['a\\ b', ['a b']],
    ['\\a\\b\\E\\f\\n\\r\\t\\v', ['\x07\b\x1b\f\n\r\t\v']],
    ['\\101\\7\\08', ['A\x07\x008']],
    ['\\x41\\x4g\\xg', ['A\x04gxg']],
    ['\\cA\\cz', ['\x01\x1a']],
    [`\\"\\'\\\\`, [`"'\\`]],
    [`"\\x41"'\\x42'`, ['AB']],
    ['a\\', ['a\\']],
  ]
  for (const [command, argv] of cases) {
    t.same(splitCommand(command), argv, command)
    t.same(splitCommand(joinCommand(argv)), argv, `${command}, written and read`)
    t.notMatch(joinCommand(argv), /"/, 'written without the quotes that surround it in a file')
  }
  t.equal(splitCommand("/bin/x 'a"), undefined, 'a quote that is not closed')
  t.end()
})

t.test('words that would be taken for something else are written in quotes', t => {
  for (const plain of ['a', '10.0.0.1/24', 'a$b', 'a@b', '-']) t.equal(quoteWord(plain), plain)
  for (const other of ['', 'a b', "it's", 'a#b', 'a!', '{', 'a}', '@id', '$X=1', '~SEQ', 'include']) {
    t.equal(quoteWord(other), `"${other}"`)
    t.equal(read(`k ${quoteWord(other)}`).tree, `k|${other}`)
  }
  t.end()
})

t.test('braces that do not fit are reported, and what stands between is saved', t => {
  const cases: [title: string, text: string, tree: string, said: string[]][] = [
    ['a brace that belongs to nothing', '{\na\n}\nb', 'b', ["1:1 Unexpected '{' - ignoring"]],
    ['a second brace', 'a {\n} {\nb\n}\nc', 'a{};c', ["2:3 Unexpected '{' - ignoring"]],
    ['braces in what is skipped anyway', '{ { } }', '', ["1:1 Unexpected '{' - ignoring"]],
    ['one too many', 'a {\n}\n  }\nb', 'a{};b', ["3:3 Extra '}' found"]],
    ['one too few', 'a {\n b {\n c', 'a{b{c}}', ["2:4 There are 2 missing '}'s or extra '{'s"]],
    [
      'a block without its first brace begins all the same',
      'outer x\na\n}\nb',
      'outer|x{a};b',
      ["1:1 Missing '{' at beginning of configuration block outer"],
    ],
    [
      'and ends',
      'outer {\ninner\n}\na\n}',
      'outer{inner{};a}',
      ["2:1 Missing '{' at beginning of configuration block inner"],
    ],
    [
      'at the end of the text, too',
      'outer',
      'outer{}',
      [
        "1:1 Missing '{' at beginning of configuration block outer",
        "1:1 There are 1 missing '}'s or extra '{'s",
      ],
    ],
  ]
  for (const [title, text, tree, said] of cases) t.match(read(text), { tree, said }, title)
  t.end()
})

t.test('lines that cannot be read are left out', t => {
  const longest = `a ${'x'.repeat(1020)}`
  t.match(
    read(`${longest}\nb`),
    { tree: `a|${'x'.repeat(1020)};b`, said: [] },
    'the longest line has 1022 bytes',
  )
  const tooLong = 'line too long - ignoring; the longest has 1022 bytes'
  t.match(read(`b\n${longest}x\nc`), { tree: 'b;c', said: [`2:1 ${tooLong}`] })
  t.match(read(`${'ß'.repeat(512)}\nc`), { tree: 'c', said: [`1:1 ${tooLong}`] }, 'bytes, not characters')
  const nul = 'configuration appears to have embedded NULs - ignoring line'
  t.match(read('a\nb\0c\nd'), { tree: 'a;d', said: [`2:1 ${nul}`] })
  t.match(
    read('a "b\nc'),
    { tree: 'a;c', said: ['1:3 Unterminated quote'] },
    'words before an open quote stay',
  )
  t.match(
    read('a "b {\nc\n'),
    { tree: 'a;c', said: ['1:3 Unterminated quote'] },
    'an open quote hides braces',
  )
  t.match(read('\ufeffa b'), { tree: 'a|b', said: ['1:1 a byte order mark is ignored'] })
  t.end()
})

t.test('what belongs to the preprocessor is left out with a word, blocks included', t => {
  const later = (place: string, feature: string) => `${place} ${feature} is not honoured yet - ignoring`
  const cases: [title: string, text: string, tree: string, said: string[]][] = [
    ['a line for one host', '@lb1 a b\nc', 'c', [later('1:1', '@id')]],
    ['a block for one host', '@^lb1 outer x {\na\n}\nb', 'b', [later('1:1', '@id')]],
    ['a definition', '$X=a { b\nc', 'c', [later('1:1', '$X=')]],
    ['a definition of many lines', '$X= \\\n a { \\\n b\nc', 'c', [later('1:1', '$X=')]],
    ['an empty line ends it', '$X= a \\\n\nc', 'c', [later('1:1', '$X=')]],
    ['a use of it', '$X=1\na $X\nb', 'b', [later('1:1', '$X='), later('2:1', '$X')]],
    [
      'a use in braces, which are none of a block',
      '$X=1\nouter ${X} {\na\n}\nb',
      'b',
      [later('1:1', '$X='), later('2:1', '${X}')],
    ],
    ['a use of what keepalived defines', 'a ${_PWD}\nb', 'b', [later('1:1', '${_PWD}')]],
    ['a name that nobody defines stands for itself', 'a $X "$Y z"', 'a|$X|$Y z', []],
    [
      'sequences and lists',
      '~SEQ(x,1,3) a {\n~LST(x,1,3) b\nc',
      'c',
      [later('1:1', '~SEQ'), later('2:1', '~LST')],
    ],
  ]
  for (const [title, text, tree, said] of cases) t.match(read(text), { tree, said }, title)
  t.end()
})

t.test('an include is a line of its own, wherever it stands', t => {
  const includes = (text: string) =>
    read(text).lines.flatMap((line: LogicalLine) =>
      line.kind === 'include' ? [`${line.line}:${line.column} ${line.variant} ${line.pattern.text}`] : [],
    )
  t.same(includes('include a b.conf # c'), ['1:1  a b.conf'])
  t.same(includes('a {\n  includer {b,c}.conf\n}'), ['2:3 r {b,c}.conf'])
  t.same(includes('a { include b.conf'), ['1:5  b.conf'])
  t.same(includes('include\nincludex a\nincluded'), [], 'not without a name, nor with another letter')
  t.same(read('include a').said, ['1:1 include: this text was read without a place in the file system'])
  t.end()
})
