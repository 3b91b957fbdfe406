import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { parseAddress } from '../../lib/address.js'
import { HealthEngine } from '../../lib/health/engine.js'
import { service, TestServer, ToldConnector, target, tcpCheck, watch } from './watch.js'

t.jobs = 16

const VS = '[10.0.0.1]:tcp:80'

t.test(
  'a healthy real is said to be so once; its server sees connections that are closed in order',
  async t => {
    const server = await TestServer.open(t, '127.0.0.71')
    const { logs, changes, said, engine } = watch(t, [target(tcpCheck(server.host, server.port))])
    const name = `[127.0.0.71]:tcp:${server.port}`
    await said(`TCP connection to ${name} success.`)
    while (server.endings.length < 3) await sleep(10)
    t.same(logs, [
      `Activating healthchecker for service ${name} for VS ${VS}`,
      `TCP connection to ${name} success.`,
    ])
    t.same(server.endings.slice(0, 3), ['FIN', 'FIN', 'FIN'])
    t.same(changes, [])
    t.match(engine.status(), [
      { service, up: true, checks: [{ type: 'tcp', up: true, hasRun: true, reason: '' }] },
    ])
  },
)

t.test('who cannot be reached at the start is taken out at the first failure', async t => {
  const closed = await closedPort()
  const watched = target(tcpCheck('127.0.0.71', closed))
  const { logs, changes, said, engine } = watch(t, [watched])
  t.match(engine.status(), [{ up: true, checks: [{ up: true, hasRun: false }] }])
  const name = `[127.0.0.71]:tcp:${closed}`
  await said(`Removing service ${name} from VS ${VS}`)
  t.same(logs, [
    `Activating healthchecker for service ${name} for VS ${VS}`,
    `TCP_CHECK on service ${name} failed.`,
    `Removing service ${name} from VS ${VS}`,
  ])
  t.same(changes, [
    {
      service,
      real: watched.real,
      up: false,
      reason: `TCP_CHECK of 127.0.0.71:${closed}: connection refused`,
      cause: 'TCP CHECK failed on service',
    },
  ])
  t.match(engine.status(), [
    { up: false, checks: [{ up: false, hasRun: true, reason: 'connection refused' }] },
  ])
})

t.test('a server that stops is taken out after its retries, and comes back with one success', async t => {
  const server = await TestServer.open(t)
  const check = tcpCheck(server.host, server.port, { retry: 2, logAllFailures: true })
  const { logs, changes, said } = watch(t, [target(check)])
  const name = `[127.0.0.1]:tcp:${server.port}`
  await said(`TCP connection to ${name} success.`)
  server.stop()
  await said(`Removing service ${name} from VS ${VS}`)
  await sleep(200) // more failures, of which there is nothing to say
  await server.start()
  await said(`Adding service ${name} to VS ${VS}`)
  t.same(logs.slice(2), [
    `TCP connection to ${name} failed.`,
    `TCP connection to ${name} failed.`,
    `TCP_CHECK on service ${name} failed after 2 retries.`,
    `Removing service ${name} from VS ${VS}`,
    `TCP connection to ${name} success.`,
    `Adding service ${name} to VS ${VS}`,
  ])
  t.match(changes, [
    { up: false, cause: 'TCP CHECK failed on service' },
    { up: true, reason: '', cause: 'TCP CHECK succeed on service' },
  ])
})

t.test('a real with inhibit_on_failure is disabled and enabled, in the words of keepalived', async t => {
  const server = await TestServer.open(t)
  server.stop()
  const { said, changes } = watch(t, [target(tcpCheck(server.host, server.port), { inhibitOnFailure: true })])
  await said(`Disabling service [127.0.0.1]:tcp:${server.port} of VS ${VS}`)
  await server.start()
  await said(`Enabling service [127.0.0.1]:tcp:${server.port} of VS ${VS}`)
  t.match(changes, [{ up: false }, { up: true }])
})

t.test(
  'alpha: a real is down until a check has succeeded, and its first failure changes nothing',
  async t => {
    const server = await TestServer.open(t)
    server.stop()
    const check = tcpCheck(server.host, server.port, { alpha: true, delayLoopSeconds: 0.01 })
    const { logs, changes, said, engine } = watch(t, [target(check)])
    t.match(engine.status(), [{ up: false, checks: [{ up: false, hasRun: false }] }])
    const name = `[127.0.0.1]:tcp:${server.port}`
    await said(`TCP_CHECK on service ${name} failed.`)
    await server.start()
    await said(`Adding service ${name} to VS ${VS}`)
    t.same(logs.slice(1), [
      `TCP_CHECK on service ${name} failed.`,
      `TCP connection to ${name} success.`,
      `Adding service ${name} to VS ${VS}`,
    ])
    t.match(changes, [{ up: true }])
  },
)

t.test('a real is up exactly while none of its checks has failed', async t => {
  const one = await TestServer.open(t, '127.0.0.71')
  const two = await TestServer.open(t, '127.0.0.71')
  const checks = [tcpCheck(one.host, one.port), tcpCheck(two.host, two.port)]
  const real = { address: parseAddress('127.0.0.71'), port: 80 }
  const { logs, said } = watch(t, [{ service, real, inhibitOnFailure: false, checks }])
  const name = '[127.0.0.71]:tcp:80'
  const failed = `TCP_CHECK on service ${name} failed after 1 retries.`
  const success = `TCP connection to ${name} success.`
  await said(success, 2)
  one.stop()
  await said(failed, 1)
  two.stop()
  await said(failed, 2)
  await one.start()
  await said(success, 3)
  await two.start()
  await said(success, 4)
  await said(`Adding service ${name} to VS ${VS}`)
  t.same(logs.slice(4), [
    failed,
    `Removing service ${name} from VS ${VS}`,
    failed,
    success,
    success,
    `Adding service ${name} to VS ${VS}`,
  ])
})

t.test('equal checks run once for all the services that they stand in', async t => {
  const server = await TestServer.open(t)
  const { host, port } = server
  const check = tcpCheck(host, port, { delayLoopSeconds: 60, warmupSeconds: 0 })
  const reordered = Object.fromEntries(Object.entries(check).reverse()) as typeof check
  const { logs, said } = watch(t, [
    target(check, { checks: [check, { ...check }] }),
    target(reordered, { service: { ...service, port: 443 } }),
    target(check, { service: { ...service, port: 53, protocol: 'udp' } }),
    target({ ...check, retry: 2 }, { service: { ...service, port: 8080 } }),
  ])
  await said(`TCP connection to [127.0.0.1]:udp:${port} success.`)
  await said(`TCP connection to [127.0.0.1]:tcp:${port} success.`, 2)
  while (server.endings.length < 2) await sleep(10)
  t.equal(server.clients.length, 2, 'one for three, one for the other that forgives more')
  t.equal(logs.length, 4 + 3)
})

t.test('all services of a real are told that it failed', async t => {
  const check = tcpCheck('127.0.0.1', await closedPort())
  const other = { ...service, port: 443 }
  const { changes, said } = watch(t, [target(check), target(check, { service: other })])
  await said(`Removing service [127.0.0.1]:tcp:${check.connectPort} from VS [10.0.0.1]:tcp:443`)
  t.match(changes, [
    { service, up: false },
    { service: other, up: false },
  ])
})

t.test('connect_ip, connect_port, bindto and bind_port say who asks whom', async t => {
  const server = await TestServer.open(t, '127.0.0.72')
  const bindPort = await closedPort('127.0.0.11')
  const bindAddress = parseAddress('127.0.0.11')
  const check = tcpCheck(server.host, server.port, { bindAddress, bindPort, delayLoopSeconds: 60 })
  const real = { address: parseAddress('10.0.0.71'), port: 80 }
  const { said } = watch(t, [target(check, { real })])
  await said('TCP connection to [10.0.0.71]:tcp:80 success.')
  while (server.clients.length === 0) await sleep(10)
  t.same(server.clients, [{ address: '127.0.0.11', port: bindPort }])
})

t.test('a check that cannot be made on this machine says nothing of the real', async t => {
  const server = await TestServer.open(t)
  const foreign = tcpCheck(server.host, server.port, { bindAddress: parseAddress('192.0.2.1') })
  const busy = tcpCheck(server.host, server.port, {
    bindAddress: parseAddress('127.0.0.1'),
    bindPort: server.port,
  })
  const { logs, changes, engine } = watch(t, [
    target(foreign, { real: { address: parseAddress('10.0.0.71'), port: 80 } }),
    target(busy, { real: { address: parseAddress('10.0.0.72'), port: 80 } }),
  ])
  while (logs.length < 4) await once(engine, 'log')
  await sleep(200)
  t.same(logs.slice(2).sort(), [
    'TCP_CHECK on service [10.0.0.71]:tcp:80 could not be tried: address not available',
    'TCP_CHECK on service [10.0.0.72]:tcp:80 could not be tried: address already in use',
  ])
  t.same(changes, [])
  t.match(engine.status(), [
    { up: true, checks: [{ up: true, hasRun: false, reason: 'address not available' }] },
    { up: true, checks: [{ up: true, hasRun: false, reason: 'address already in use' }] },
  ])
})

t.test('a real without checks is always up', async t => {
  const real = { address: parseAddress('192.0.2.1'), port: 80 }
  const { engine, logs } = watch(t, [{ service, real, inhibitOnFailure: false, checks: [] }])
  t.same(engine.status(), [{ service, real, up: true, checks: [] }])
  t.same(logs, [])
})

t.test('the warm-up keeps first checks apart', async t => {
  const server = await TestServer.open(t)
  const from = performance.now()
  const parts = [0.5, 0]
  const { engine, logs } = watch(
    t,
    [71, 72].map(host =>
      target(tcpCheck(server.host, server.port, { warmupSeconds: 0.4, retry: host }), {
        real: { address: parseAddress(`10.0.0.${host}`), port: 80 },
      }),
    ),
    { random: () => parts.shift() ?? 1 },
  )
  while (logs.length < 3) await once(engine, 'log')
  t.equal(logs[2], 'TCP connection to [10.0.0.72]:tcp:80 success.')
  while (logs.length < 4) await once(engine, 'log')
  t.ok(performance.now() - from >= 1190)
})

t.test('a closed engine asks nobody, also when it is closed by who hears of a failure', async t => {
  const server = await TestServer.open(t)
  server.stop()
  const { engine } = watch(t, [target(tcpCheck(server.host, server.port))])
  engine.once('real', () => engine.close())
  await once(engine, 'real')
  await server.start()
  const unborn = new HealthEngine([target(tcpCheck(server.host, server.port))])
  unborn.start()
  unborn.close()
  unborn.close()
  await sleep(1200)
  t.same(server.clients, [])
  t.throws(() => engine.start(), { code: 'CLOSED' })
})

t.test('a check that is under way when the engine is closed says nothing', async t => {
  const check = tcpCheck('127.0.0.1', await closedPort())
  let begun = () => {}
  const { engine, logs } = watch(t, [target(check)], { connector: new ToldConnector(() => begun()) })
  await new Promise<void>(resolve => {
    begun = () => queueMicrotask(resolve)
  })
  engine.close()
  await sleep(100)
  t.equal(logs.length, 1)
})

/** A port on which nobody listens. */
async function closedPort(host = '127.0.0.71'): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}
