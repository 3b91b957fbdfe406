import { spawn } from 'node:child_process'
import { EventEmitter, on, once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Controllable } from '../../lib/control/answer.js'
import { ControlClient } from '../../lib/control/client.js'
import { ControlServer } from '../../lib/control/server.js'
import { socketPath } from '../../lib/control/socket-path.js'
import { noTraffic } from '../../lib/dataplane/traffic.js'
import { XdplbError } from '../../lib/errors.js'
import type { BalancerStatus } from '../../lib/status.js'
import { controllable, inParts } from '../tools/controllable.js'

const status: BalancerStatus = {
  name: 'lb1',
  version: '0.1.0',
  pid: 4711,
  startedAt: '2026-11-22T12:00:00.000Z',
  adopted: false,
  warnings: [],
  interfaces: [{ name: 'eth0', state: 'attached', mode: 'native' }],
  vrrp: [],
  vips: [],
  services: [
    { service: '10.0.0.1:80/tcp', scheduler: 'rr', traffic: noTraffic, reals: [] },
    { service: '10.0.0.2:80/tcp', scheduler: 'wlc', traffic: noTraffic, reals: [] },
  ],
  flowTable: { flows: 0, slots: 65536, templates: 0, templateSlots: 65536, memoryBytes: 1048576 },
  verdicts: { tx: 9007199254740991 },
  events: {},
}

/** A socket's path has to be short, so not in `t.testdir()`. */
function place(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'xdplb-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'run', 'lb1.sock')
}

async function serving(
  t: Test,
  target: Controllable = controllable({ statusInParts: () => inParts(status) }),
) {
  const path = place(t)
  const server = await ControlServer.listen(path)
  t.teardown(() => server.close())
  server.serve(target)
  return { path, server, client: new ControlClient(path) }
}

/** All that comes back for a text that is sent as it stands. */
async function say(path: string, text: string): Promise<string> {
  const socket = connect(path)
  socket.setEncoding('utf8').write(text)
  let answer = ''
  for await (const part of socket) answer += part
  return answer
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: xdplb\r\nconnection: close\r\n\r\n`
}

/** The socket that a process leaves behind when it is killed. */
async function leaveStale(path: string): Promise<void> {
  const program = `require('node:net').createServer().listen(process.argv[1], () => console.log('listening'))`
  const child = spawn(process.execPath, ['-e', program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const _ of on(child.stdout, 'data')) break
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

t.test('the socket of a balancer is RUN_DIR/NAME.sock', async t => {
  t.equal(socketPath(), '/run/xdplb/xdplb.sock')
  t.equal(socketPath({ name: 'lb1', runDir: '/tmp/run' }), '/tmp/run/lb1.sock')
})

t.test('a client reads the status as the balancer tells it', async t => {
  const { client } = await serving(t)
  t.strictSame(await client.status(), status)
})

t.test(
  'a status of many services is sent while it is told, and read no faster than its client reads',
  async t => {
    const end = new EventEmitter()
    const ended = once(end, 'end')
    let told = 0
    const service = { service: 'x'.repeat(100_000), scheduler: 'rr', traffic: noTraffic, reals: [] }
    async function* services() {
      try {
        for (;;) {
          yield [service]
          told++
          await setImmediate()
        }
      } finally {
        end.emit('end')
      }
    }
    const { services: _, ...summary } = status
    const statusInParts = async () => ({ summary, services: services() })
    const { path } = await serving(t, controllable({ statusInParts }))
    const socket = connect(path)
    socket.write(get('/v1/status'))
    const [begun] = await once(socket, 'data')
    t.match(String(begun), /^HTTP\/1.1 200 .*"name":"lb1".*"services":\[/s, 'it begins before it is whole')
    socket.pause()
    await delay(50) // in which a server that does not wait would have told more than sockets hold
    t.ok(told < 100, `${told} parts were told`)
    socket.destroy()
    await ended
  },
)

t.test('a status that cannot be told to its end is an error, not a shorter one', async t => {
  const { services: _, ...summary } = status
  async function* services() {
    yield []
    throw new XdplbError('CLOSED', 'balancer: used after close')
  }
  const statusInParts = async () => ({ summary, services: services() })
  const { client } = await serving(t, controllable({ statusInParts }))
  await t.rejects(client.status(), { code: 'CLOSED', message: 'balancer: used after close' })
})

t.test('until the balancer forwards, only the process answers', async t => {
  const path = place(t)
  const server = await ControlServer.listen(path)
  t.teardown(() => server.close())
  const client = new ControlClient(path)
  t.strictSame(await client.process(), { pid: process.pid, ready: false })
  await t.rejects(client.status(), { code: 'BUSY', message: `process ${process.pid} is still starting` })
  server.serve(controllable({ statusInParts: () => inParts(status) }))
  t.strictSame(await client.process(), { pid: process.pid, ready: true })
})

t.test('a stream is read no faster than its client reads, and ends when that goes', async t => {
  const end = new EventEmitter()
  const ended = once(end, 'end')
  let given = 0
  async function* connections() {
    try {
      for (;;) {
        yield Array(1000).fill({ state: `NONE ${given++}` })
        await setImmediate()
      }
    } finally {
      end.emit('end')
    }
  }
  const { client } = await serving(t, controllable({ connections }))
  for await (const { state } of client.connections()) {
    t.equal(state, 'NONE 0')
    await delay(50) // in which a server that does not wait would have taken more than are allowed
    break
  }
  await ended
  t.ok(given < 1000, `${given} slices were taken`)
})

t.test('a query that is not understood is refused', async t => {
  const { path } = await serving(t)
  t.match(
    await say(path, get('/v1/conns?clinet=10.0.0.1')),
    /^HTTP\/1.1 400 .*clinet: no such parameter, expected client/s,
  )
  t.match(await say(path, get('/v1/conns?client=10.0.0.300')), /^HTTP\/1.1 400 .*10\.0\.0\.300/s)
})

t.test('the socket and the directory that it makes are for their owner alone', async t => {
  const { path } = await serving(t)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(join(path, '..')).mode & 0o777, 0o700)
  t.strictSame(readdirSync(join(path, '..')), ['lb1.sock'], 'nothing else is left there')
})

t.test('after close the name is free, and closing again does nothing', async t => {
  const { path, server, client } = await serving(t)
  await server.close()
  t.notOk(existsSync(path))
  await server.close()
  await t.rejects(client.status(), { code: 'NOT_FOUND' })
  const next = await ControlServer.listen(path)
  t.strictSame(await client.process(), { pid: process.pid, ready: false })
  await server.close()
  t.ok(existsSync(path), 'the old one does not take the name from the new one')
  await next.close()
})

t.test('a connection that says nothing does not hold up the end', async t => {
  const { path, server } = await serving(t)
  const silent = connect(path)
  await once(silent, 'connect')
  const closed = once(silent, 'close')
  await server.close()
  await closed
})

t.test('a second balancer of the same name is refused, with the process id of the first', async t => {
  const { path, client } = await serving(t)
  await t.rejects(ControlServer.listen(path), {
    code: 'BUSY',
    message: `process ${process.pid} listens there`,
  })
  t.strictSame(await client.status(), status, 'the first goes on')
})

t.test('of two that start at the same moment one gets the name', async t => {
  const path = place(t)
  const outcomes = await Promise.allSettled([ControlServer.listen(path), ControlServer.listen(path)])
  const servers = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  t.teardown(() => Promise.all(servers.map(server => server.close())))
  t.equal(servers.length, 1)
  t.match(outcomes.find(outcome => outcome.status === 'rejected')?.reason, { code: 'BUSY' })
})

t.test('the socket of a dead process is replaced', async t => {
  const path = place(t)
  await (await ControlServer.listen(path)).close() // makes the directory
  await leaveStale(path)
  await t.rejects(new ControlClient(path).status(), { code: 'NOT_FOUND', message: 'process that died' })
  const server = await ControlServer.listen(path)
  t.teardown(() => server.close())
  t.strictSame(await new ControlClient(path).process(), { pid: process.pid, ready: false })
})

t.test('what is not ours is never removed', async t => {
  const path = place(t)
  await (await ControlServer.listen(path)).close()
  writeFileSync(path, 'precious')
  await t.rejects(ControlServer.listen(path), { code: 'BUSY', message: 'another file' })
  t.equal(statSync(path).size, 8)
  rmSync(path)
  const stranger = createServer(socket => socket.end('hello\n')).listen(path)
  t.teardown(() => stranger.close())
  await t.rejects(ControlServer.listen(path), { code: 'BUSY', message: 'a process that does not answer' })
  t.ok(stranger.listening)
})

t.test('a path that the kernel would cut is refused', async t => {
  const runDir = join(place(t), 'x'.repeat(100))
  await t.rejects(ControlServer.listen(socketPath({ runDir })), {
    code: 'USAGE',
    message: 'expected at most 107',
  })
  t.notOk(existsSync(runDir))
})

t.test('without a balancer the client says which one it looked for and what to do', async t => {
  await t.rejects(new ControlClient('/nowhere/lb7.sock').status(), {
    code: 'NOT_FOUND',
    message:
      /no balancer named lb7 is running \(socket \/nowhere\/lb7\.sock: not found\); .*xdplb run.*--name/,
  })
})

t.test('errors of the balancer reach the client with their code, its own faults as SYSCALL', async t => {
  let thrown: unknown = new XdplbError('CLOSED', 'balancer: used after close')
  const statusInParts = () => {
    throw thrown
  }
  const { client, path } = await serving(t, controllable({ statusInParts }))
  await t.rejects(client.status(), {
    name: 'XdplbError',
    code: 'CLOSED',
    message: 'balancer: used after close',
  })
  t.match(await say(path, get('/v1/status')), /^HTTP\/1.1 503 /)
  thrown = new TypeError('x is not a function')
  await t.rejects(client.status(), { name: 'XdplbError', code: 'SYSCALL', message: 'x is not a function' })
  t.match(await say(path, get('/v1/status')), /^HTTP\/1.1 500 .*"code":"INTERNAL"/s)
})

t.test('a request that is not understood is answered with a reason', async t => {
  const { path } = await serving(t)
  const head = 'HTTP/1.1\r\nhost: xdplb\r\nconnection: close\r\n'
  t.match(await say(path, get('/v1/status?x=1')), /^HTTP\/1.1 200 OK/, 'a query is not looked at')
  t.match(await say(path, get('/v2/x')), /^HTTP\/1.1 404 .*"code":"NOT_FOUND".*\/v1 or \/v1\/status/s)
  t.match(await say(path, get('/constructor')), /^HTTP\/1.1 404 /)
  t.match(
    await say(path, `POST /v1/status ${head}\r\n`),
    /^HTTP\/1.1 405 .*allow: GET\r\n.*POST, expected GET/s,
  )
  t.match(await say(path, `GET /v1 ${head}content-length: 4\r\n\r\nbody`), /^HTTP\/1.1 413 .*expected none/s)
  t.match(await say(path, `GET /v1 ${head}transfer-encoding: chunked\r\n\r\n`), /^HTTP\/1.1 413 /)
  t.match(
    await say(path, `GET /v1 ${head}x: ${'x'.repeat(9000)}\r\n\r\n`),
    /^HTTP\/1.1 431 .*"code":"USAGE"/s,
  )
  t.match(await say(path, 'hello\r\n\r\n'), /^HTTP\/1.1 400 .*"code":"USAGE"/s)
})

t.test('an answer that is no JSON is an error that names the socket', async t => {
  const path = place(t)
  await (await ControlServer.listen(path)).close()
  const stranger = createServer(socket => socket.end('HTTP/1.1 200 OK\r\n\r\nhello')).listen(path)
  t.teardown(() => stranger.close())
  await t.rejects(new ControlClient(path).status(), {
    code: 'SYSCALL',
    message: `${path}: HTTP 200, expected JSON`,
  })
})
