import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Patience } from '../../lib/health/patience.js'
import { TestServer, ToldConnector, target, tcpCheck, watch } from './watch.js'

/** What a host program does that computes. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

t.test('a loop that stands still for five seconds takes no healthy real out', async t => {
  const server = await TestServer.open(t, '0.0.0.0')
  const checks = Array.from({ length: 20 }, (_, host) =>
    tcpCheck(`127.0.1.${host}`, server.port, {
      connectTimeoutSeconds: 1,
      retry: 0,
      delayLoopSeconds: 0.1,
    }),
  )
  let stall: (() => void) | undefined
  const { changes, said } = watch(
    t,
    checks.map(check => target(check)),
    { connector: new ToldConnector(() => stall?.()) },
  )
  for (const { connectAddress, connectPort } of checks) {
    await said(`TCP connection to [${connectAddress}]:tcp:${connectPort} success.`)
  }
  await new Promise<void>(resolve => {
    stall = () => {
      stall = undefined
      standStill(5000)
      resolve()
    }
  })
  const clients = server.clients.length
  while (server.clients.length < clients + 100) await sleep(20)
  t.same(changes, [])
})

t.test('the time in which the loop stood still is not waited', async t => {
  const over = waitFor(400)
  standStill(2000)
  const from = performance.now()
  await over
  const waited = performance.now() - from
  t.ok(waited >= 190 && waited < 1000, `${waited} ms`)
})

t.test('an answer that came while the loop stood still is heard before time is up', async t => {
  const server = await TestServer.open(t)
  let isOver = false
  const patience = new Patience(200, () => {
    isOver = true
  })
  t.teardown(() => patience.close())
  await sleep(175)
  await immediate() // the next turn of the loop begins with the timers
  const socket = connect(server.port, server.host)
  socket.once('connect', () => patience.close())
  process.nextTick(() => standStill(500))
  await once(socket, 'connect')
  socket.destroy()
  await sleep(100)
  t.notOk(isOver)
})

t.test('a loop that stands still again and again finds a dead real out nevertheless', async t => {
  const blocking = setInterval(() => standStill(150), 1)
  t.teardown(() => clearInterval(blocking))
  await waitFor(100)
  t.pass('time is up')
})

function waitFor(ms: number): Promise<void> {
  return new Promise(resolve => {
    new Patience(ms, resolve)
  })
}
