import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { built } from '../../cli/demo/lab/built.js'
import type { Child } from '../../cli/demo/lab/child.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed } from '../../cli/demo/lab/seed.js'
import { ControlClient } from '../../lib/control/client.js'
import { socketPath } from '../../lib/control/socket-path.js'
import { Socket } from '../../lib/net/socket.js'
import { parseEndpoint } from '../../lib/service.js'
import { xdplb } from './xdplb.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'
// Priority 255 is master at once, without an election.
const seed = readFileSync(new URL('../fixtures/seed/master.conf', import.meta.url), 'utf8').replace(
  'priority 200',
  'priority 255',
)
const AF_UNIX = 1
const SOCK_DGRAM = 2

/** What a question is answered with at last: it is asked again while that is nothing, or an error. */
async function until<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer) return answer
    await delay(5)
  }
}

t.test('xdplb run', { skip }, async t => {
  await using lab = await Lab.open()
  const { balancers, client: browser } = await buildSeed(lab)
  const [host] = balancers
  if (host === undefined) throw new Error('a lab without a balancer')

  const file = join(lab.directory, 'keepalived.conf')
  const bpffs = join(lab.directory, 'bpf')
  const runDir = join(lab.directory, 'run')
  writeFileSync(file, seed)
  mkdirSync(bpffs)
  const client = new ControlClient(socketPath({ runDir }))

  /** @param before words before the command: variables, or a shell */
  const start = (args: readonly string[] = [], before: readonly string[] = []) => {
    const command = [built('cli/main.js'), 'run', '-f', file, '--bpffs', bpffs, '--run-dir', runDir, ...args]
    return host.spawn(['env', '-u', 'NODE_OPTIONS', ...before, process.execPath, ...command])
  }

  const ready = async (daemon: Child): Promise<Child> => {
    await daemon.printed(/"msg":"ready"/)
    return daemon
  }

  /** What the balancer has put on its interface. */
  const traces = async () => {
    const [link] = JSON.parse(await host.run(['ip', '-j', '-d', 'address', 'show', host.interface]))
    const addresses = link.addr_info.map(({ local }: { local: string }) => local)
    return { isAttached: 'xdp' in link, ownsVip: addresses.includes('10.0.0.1') }
  }

  const first = await ready(start())

  await t.test('says that it is ready when it forwards, and where', async t => {
    const [line = ''] = first.stderr.split('\n').filter(line => line.includes('ready'))
    t.match(JSON.parse(line), {
      level: 'info',
      services: ['10.0.0.1:80/tcp'],
      interfaces: [/^enp0s8 /],
      msg: 'ready',
    })
    t.ok((await traces()).isAttached)
    await until(async () => (await traces()).ownsVip)
    t.match(await client.status(), { name: 'xdplb', pid: first.pid })
    t.equal(first.stdout, '')
  })

  await t.test('tells where a packet would go, where packets go, and which flows they made', async t => {
    const port = 40_000
    const packet = { source: parseEndpoint(`10.0.0.100:${port}`), destination: parseEndpoint('10.0.0.1:80') }
    const ask = (...options: string[]) =>
      browser.run(['curl', '-sS', '--interface', '10.0.0.100', ...options, 'http://10.0.0.1/'])

    const before = await client.where({ ...packet, protocol: 'tcp', flags: ['SYN'] })
    t.match(before, { verdict: 'tx', reason: 'scheduler', service: '10.0.0.1:80/tcp', scheduler: 'rr' })
    await ask('--local-port', `${port}`)
    t.match(await client.where({ ...packet, protocol: 'tcp', flags: ['ACK'] }), {
      reason: 'flow',
      real: before.real,
    })
    const route = { virtual: '10.0.0.1:80', real: before.real }
    t.match(await Readable.from(client.connections()).toArray(), [
      { kind: 'template', client: '10.0.0.100:0', ...route },
      { kind: 'flow', client: `10.0.0.100:${port}`, ...route },
    ])

    const decisions = client.trace({ limit: 1, verdicts: ['tx'] })
    const decision = decisions.next()
    let isTold = false
    void decision.finally(() => (isTold = true))
    while (!isTold) await ask()
    t.match((await decision).value, {
      client: /^10\.0\.0\.100:/,
      virtual: '10.0.0.1:80',
      service: '10.0.0.1:80/tcp',
    })
  })

  await t.test('SIGHUP is said not to be honoured, and changes nothing', async t => {
    first.signal('SIGHUP')
    await first.printed(/"level":"warn".*SIGHUP: reloading is not honoured yet/)
    t.match(await client.status(), { pid: first.pid })
  })

  await t.test('a second one of the same name is refused and does not disturb the first', async t => {
    const second = start()
    t.equal(await second.exited, 'exit 1')
    t.match(
      second.stderr,
      new RegExp(`^xdplb: .*process ${first.pid} listens there; stop it or choose another name\n$`),
    )
    t.strictSame(await traces(), { isAttached: true, ownsVip: true })
    t.match(await client.status(), { pid: first.pid })
  })

  await t.test(
    'SIGTERM ends it with 0 and leaves nothing behind; more signals do not disturb that',
    async t => {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'] as const) first.signal(signal)
      t.equal(await first.exited, 'exit 0')
      t.match(first.stderr, /"signal":"SIG(TERM|INT)".*"msg":"stopping"\}\n.*"msg":"stopped"\}\n$/s)
      t.strictSame(await traces(), { isAttached: false, ownsVip: false })
      await t.rejects(client.status(), { code: 'NOT_FOUND', message: 'not found' })
    },
  )

  await t.test('a signal while it starts ends it when it has started', async t => {
    const daemon = start(['--log-level', 'debug'])
    await until(() => client.process())
    daemon.signal('SIGINT')
    t.equal(await daemon.exited, 'exit 0')
    t.strictSame(await traces(), { isAttached: false, ownsVip: false })
  })

  await t.test('a fault of its own ends the process, not the forwarding', async t => {
    const fault = join(lab.directory, 'fault.cjs')
    writeFileSync(fault, 'process.on("SIGUSR2", () => { throw new Error("boom") })')
    const daemon = await ready(start([], [`NODE_OPTIONS=--require=${fault}`]))
    daemon.signal('SIGUSR2')
    t.equal(await daemon.exited, 'exit 1')
    const last = JSON.parse(daemon.stderr.trimEnd().split('\n').at(-1) ?? '')
    t.match(last, { level: 'fatal', err: { message: 'boom', stack: String }, msg: /goes on forwarding/ })
    t.ok((await traces()).isAttached)
  })

  await t.test('a fault of its own while it starts ends it too', async t => {
    const fault = join(lab.directory, 'fault-at-start.cjs')
    const faulty = 'require("fs").statfsSync = () => { throw new Error("boom") }'
    writeFileSync(fault, `${faulty}\nrequire("module").syncBuiltinESMExports()`)
    const daemon = start([], [`NODE_OPTIONS=--require=${fault}`])
    t.equal(await daemon.exited, 'exit 1')
    t.match(JSON.parse(daemon.stderr), { level: 'fatal', err: { message: 'boom', stack: String } })
  })

  const next = await ready(start(['--leave-forwarding']))

  await t.test('--leave-forwarding lets the kernel go on after a stop', async t => {
    t.equal((await client.status()).adopted, true, 'which it does itself after that fault')
    await until(async () => (await traces()).ownsVip)
    await next.stop()
    t.equal(await next.exited, 'exit 0')
    t.strictSame(await traces(), { isAttached: true, ownsVip: true })
    const { stderr } = await xdplb('status', '--bpffs', bpffs, '--run-dir', runDir)
    t.match(stderr, /no balancer .* is running.* left the kernel balancing on enp0s8 .*for the next/)
    await (await ready(start())).stop()
    t.strictSame(await traces(), { isAttached: false, ownsVip: false }, 'until one takes over and stops')
  })

  await t.test('what stops it from starting is one line, with the cause for --verbose', async t => {
    const wrong = start(['--interface', 'eth9'])
    t.equal(await wrong.exited, 'exit 1')
    t.match(wrong.stderr, /^xdplb: [^\n]*eth9[^\n]*\n$/)
    await t.rejects(client.process(), { code: 'NOT_FOUND' }, 'its socket is gone')
    t.strictSame(await traces(), { isAttached: false, ownsVip: false })

    const missing = start(['--verbose', '-f', '/nowhere.conf'])
    t.equal(await missing.exited, 'exit 2')
    t.match(missing.stderr, /^xdplb: [^\n]*\/nowhere\.conf[^\n]*\ncaused by: .*ENOENT/s)
  })

  // a word that keepalived does not know, and a password under another
  const faulty = seed.replace('auth_pass 1215', 'auth_pass s3cret').replace('auth_type PASS', 'auth_typ PASS')
  writeFileSync(file, `${faulty}\nvrrp_script x {\n  intervall 3\n}\n`)
  const talkative = await ready(start(['--log-level', 'trace']))

  await t.test(
    'it starts whenever keepalived would, and says with its place what it does not honour',
    async t => {
      const lines = talkative.stderr
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line))
      const line = seed.split('\n').length + 2
      t.match(
        lines.find(({ code, msg }) => code === 'unknown-keyword' && msg.includes('intervall')),
        {
          file,
          line,
          column: 3,
          level: 'error',
          msg: `${file}:${line}:3: error: Unknown keyword 'intervall'`,
        },
      )
    },
  )

  await t.test('no log level shows a password', async t => {
    await talkative.stop()
    t.match(talkative.stderr, 'auth_typ')
    t.notMatch(talkative.stderr, 's3cret')
  })

  await t.test('a configuration with nothing to balance is run, and said to be so', async () => {
    writeFileSync(file, seed.replace('lb_kind DR', 'lb_kind NAT'))
    const idle = start()
    await idle.printed(/"level":"warn".*nothing is balanced/)
    await idle.stop()
  })
  writeFileSync(file, seed)

  await t.test('people get lines to read', async () => {
    const daemon = start(['--log-format', 'pretty'])
    await daemon.printed(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: ready \{"services":\["10\.0\.0\.1:80\/tcp"\]/m)
    await daemon.stop()
  })

  await t.test('it lives on when nobody reads its log any more', async t => {
    const daemon = start([], ['bash', '-c', 'exec "$@" 2> >(head -n 1)', '-'])
    await daemon.printed(/"msg":/)
    await until(async () => (await client.process()).ready)
    for (let i = 0; i < 3; i++) daemon.signal('SIGHUP')
    t.match(await client.status(), { name: 'xdplb' })
    daemon.signal('SIGTERM')
    t.equal(await daemon.exited, 'exit 0')
  })

  await t.test('systemd is told when it is ready and when it stops', async t => {
    for (const path of [join(lab.directory, 'notify'), `@xdplb-${process.pid}`]) {
      const address = Buffer.from(`\x01\0${path.replace('@', '\0')}`)
      const kind = { name: 'notify', domain: AF_UNIX, type: SOCK_DGRAM, protocol: 0, nonBlocking: true }
      using socket = host.enter(() => new Socket(kind, socket => socket.bind(address)))
      const told = () => until(async () => socket.receive(100)?.toString())
      const daemon = start([], [`NOTIFY_SOCKET=${path}`])
      t.equal(await told(), 'READY=1')
      t.match(await client.process(), { ready: true })
      daemon.signal('SIGTERM')
      t.equal(await told(), 'STOPPING=1')
      t.equal(await daemon.exited, 'exit 0')
    }
  })
})
