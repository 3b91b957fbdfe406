import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { built } from '../../cli/demo/lab/built.js'
import { Child } from '../../cli/demo/lab/child.js'
import { Stage } from '../../cli/demo/stage.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'
const namespaces = '/run/netns'

/** What a demo that runs as this process has made and the whole machine can see. */
function remainsOf(pid: number | undefined): string[] {
  const names = [...(existsSync(namespaces) ? readdirSync(namespaces) : []), ...readdirSync(tmpdir())]
  return names.filter(name => name.startsWith('xdplb') && name.endsWith(`-${pid}`))
}

/** Network namespaces as the kernel numbers them. */
function numbersOf(names: readonly string[]): Set<number> {
  return new Set(names.filter(name => existsSync(`${namespaces}/${name}`)).map(numberOf))
}

function numberOf(name: string): number {
  return statSync(`${namespaces}/${name}`).ino
}

/** The processes that live in one of these. */
function inhabitants(numbers: ReadonlySet<number>): string[] {
  return readdirSync('/proc').filter(pid => /^\d+$/.test(pid) && numbers.has(homeOf(pid)))
}

/** @returns 0 for one that is gone meanwhile */
function homeOf(pid: string): number {
  try {
    return Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0])
  } catch {
    return 0
  }
}

t.test('xdplb demo', { skip, jobs: 2 }, async t => {
  const start = () => new Child(['env', '-u', 'NODE_OPTIONS', process.execPath, built('cli/main.js'), 'demo'])

  t.test('shows all that is to be seen, ends with 0, and leaves nothing', async t => {
    const demo = start()
    await demo.printed(/all are answered/)
    const homes = numbersOf(remainsOf(demo.pid))
    t.equal(homes.size, 6, 'five hosts and a switch')
    t.equal(await demo.exited, 'exit 0')
    t.match(demo.stdout, /\nall \d+ things were seen\n$/)
    t.notMatch(demo.stdout, '✗')
    t.strictSame(remainsOf(demo.pid), [])
    t.strictSame(inhabitants(homes), [])
    t.equal(demo.stderr, '')
  })

  t.test('leaves nothing after Ctrl-C either', async t => {
    const demo = start()
    await demo.printed(/all are answered/)
    const homes = numbersOf(remainsOf(demo.pid))
    t.ok(inhabitants(homes).length >= 6, 'web servers, balancers and what they started')
    demo.signal('SIGINT')
    t.equal(await demo.exited, 'SIGINT')
    t.strictSame(remainsOf(demo.pid), [])
    while (inhabitants(homes).length > 0) await sleep(10)
  })
})

t.test('a demonstration', async t => {
  const stage = () => {
    const output = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: false })
    return { output, stage: new Stage(output, (_, text) => text) }
  }

  t.test('has gone well when all was seen', async t => {
    const { stage: story, output } = stage()
    story.show('one thing', true)
    t.ok(story.isWell)
    story.summary()
    t.match(output.read(), /✓ one thing\n\nall 1 things were seen\n$/)
  })

  t.test('has not when one thing was not, or nothing was to be seen', async t => {
    const { stage: story, output } = stage()
    t.notOk(story.isWell)
    story.show('one thing', true)
    story.show('another', false)
    story.show('a third', true)
    t.notOk(story.isWell)
    story.summary()
    t.match(output.read(), /✗ another\n.*\n\n1 of 3 things were not seen\n$/s)
  })
})
