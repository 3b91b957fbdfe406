import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { request, startWebServer } from '../../cli/demo/lab/http.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { flags } from '../tools/loader/flags.js'
import { Site, seedOwner } from './daemon.js'
import { logged } from './daemon-log.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'
const postOffice = fileURLToPath(new URL('programs/post-office.ts', import.meta.url))
const DELAY_LOOP = 1
const CONNECT_TIMEOUT = 2
const DELAY_BEFORE_RETRY = 1
/** For the machine to notice, and to say so. */
const SLACK = 0.2
const master = seedOwner
  .replace('delay_loop 10', `delay_loop ${DELAY_LOOP}`)
  .replaceAll('connect_timeout 5', `connect_timeout ${CONNECT_TIMEOUT}`)
const SERVER = '10.0.0.71:80'

/** Asks until a real is as it should be. @returns how long that took, in seconds */
async function until(site: Site, state: string): Promise<number> {
  const start = performance.now()
  for (;;) {
    const { services } = await site.status()
    if (services[0]?.reals.find(({ real }) => real === SERVER)?.state === state) break
    await sleep(20)
  }
  return (performance.now() - start) / 1000
}

t.test('a web server that fails', { skip }, async t => {
  t.setTimeout(120_000)
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers, webServers, httpServers } = await buildSeed(lab)
  const [host] = balancers
  const [server] = webServers
  if (host === undefined || server === undefined) throw new Error('a lab without a balancer or a web server')
  const mails = host.spawn([process.execPath, ...flags, postOffice])
  await mails.printed(/^open$/m)
  using site = new Site(lab, host)
  const daemon = await site.run(master)
  const ask = async () => {
    const answers = await request(client, `http://${vip}/`, { from: clientAddresses })
    return [...new Set(answers.map(({ status, text }) => (status === '200' ? text : status)))].sort()
  }
  await daemon.printed(/TCP connection to \[10\.0\.0\.71\]:tcp:80 success/)
  t.same(await ask(), ['websvr1', 'websvr2'])

  await t.test('leaves the rotation within delay_loop and a second, and gets no new connection', async t => {
    const begun = Date.now()
    await httpServers[0]?.stop()
    const stopped = Date.now()
    const removed = await logged(daemon, /Removing service \[10\.0\.0\.71\]:tcp:80/, begun)
    const seconds = (removed - stopped) / 1000
    t.ok(seconds <= DELAY_LOOP + DELAY_BEFORE_RETRY + SLACK, `after ${seconds.toFixed(1)} s`)
    t.same(await ask(), ['websvr2'])
    t.match(await site.xdplb('status'), /10\.0\.0\.71:80 +down/)
  })

  await t.test('comes back when it answers again', async t => {
    await startWebServer(server)
    const seconds = await until(site, 'up')
    t.ok(seconds <= DELAY_LOOP + 1, `after ${seconds.toFixed(1)} s`)
    await daemon.printed(/Adding service \[10\.0\.0\.71\]:tcp:80 to VS \[10\.0\.0\.1\]:tcp:80/)
  })

  await t.test('leaves when its host cannot be reached, within the time that the checks take', async t => {
    await server.cutLink()
    const seconds = await until(site, 'down')
    const bound = DELAY_LOOP + 2 * CONNECT_TIMEOUT + DELAY_BEFORE_RETRY + 1
    t.ok(seconds <= bound, `after ${seconds.toFixed(1)} s, at most ${bound} s`)
    await server.restoreLink()
    await until(site, 'up')
  })

  await t.test('is told of by mail, in keepalived’s words', async t => {
    const down =
      /Subject: \[[^\]]+\] Realserver \[10\.0\.0\.71\]:tcp:80 of virtual server \[10\.0\.0\.1\]:tcp:80 - DOWN/
    const up =
      /Subject: \[[^\]]+\] Realserver \[10\.0\.0\.71\]:tcp:80 of virtual server \[10\.0\.0\.1\]:tcp:80 - UP/
    await mails.printed(down)
    await mails.printed(up)
    t.match(mails.stdout, /=> TCP CHECK failed on service <=/)
    t.match(mails.stdout, /=> TCP CHECK succeed on service <=/)
    t.match(mails.stdout, /"to":\["root@mydomain.com"\]/)
  })
})
