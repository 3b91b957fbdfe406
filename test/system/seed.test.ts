import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed, vip } from '../../cli/demo/lab/seed.js'
import { Site, seedMaster } from './daemon.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'
const TCP = 6

t.test('the seed with its persistence taken out', { skip }, async t => {
  await using lab = await Lab.open()
  const { client, balancers } = await buildSeed(lab)
  const [host] = balancers
  if (host === undefined) throw new Error('no balancer in the lab')
  using site = new Site(lab, host)
  await site.run(seedMaster.replace(/^.*persistence_timeout.*\n/m, ''))

  await t.test('gives 100 connections of curl 50 and 50, in strict alternation', async t => {
    const answers = (await client.run(curls(100))).trim().split('\n')
    t.equal(answers.length, 100)
    const [first = '', second = ''] = answers
    t.same([first, second].sort(), ['websvr1', 'websvr2'])
    t.same(
      answers,
      Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? first : second)),
    )
  })

  await t.test('counts them, half and half', async t => {
    const [service] = (await site.status()).services
    t.equal(service?.traffic.connections, 100)
    t.same(
      service?.reals.map(real => real.traffic.connections),
      [50, 50],
    )
  })
})

t.test('the seed, byte for byte', { skip }, async t => {
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers, webServers } = await buildSeed(lab)
  const [host] = balancers
  if (host === undefined) throw new Error('no balancer in the lab')
  using site = new Site(lab, host)
  const before = await host.run(['ip', 'address'])
  const daemon = await site.run(seedMaster)

  await t.test('keeps one client on one web server', async t => {
    const answers = (await client.run(curls(10, '10.0.0.105'))).trim().split('\n')
    t.equal(answers.length, 10)
    t.equal(new Set(answers).size, 1)
  })

  await t.test('spreads ten clients over the two, five each', async t => {
    const answers: string[] = []
    for (const address of clientAddresses.filter(address => address !== '10.0.0.105')) {
      answers.push((await client.run(curls(1, address))).trim())
    }
    answers.push((await client.run(curls(1, '10.0.0.105'))).trim())
    t.same([...new Set(answers)].sort(), ['websvr1', 'websvr2'])
    t.equal(answers.filter(answer => answer === 'websvr1').length, 5)
  })

  await t.test(
    'lets answers come from the virtual address, by the web servers themselves, past the balancer',
    async t => {
      using atClient = client.capture()
      using atBalancer = host.capture()
      await client.run(curls(20))
      const answers = atClient.frames.filter(
        frame => frame.ip?.protocol === TCP && frame.ip.destination.startsWith('10.0.0.10'),
      )
      t.ok(answers.length > 0)
      t.same(new Set(answers.map(frame => frame.ip?.source)), new Set([vip]))
      const macs = webServers.map(server => server.mac)
      t.ok(answers.every(frame => macs.includes(`${frame.source}`)))
      const across = atBalancer.frames.filter(frame => frame.ip?.protocol === TCP)
      t.ok(across.some(frame => frame.ip?.destination === vip))
      t.notOk(across.some(frame => frame.ip?.source === vip))
    },
  )

  await t.test(
    'hands a web server the packet with the balancer as its sender, and one hop older',
    async t => {
      const atServers = webServers.map(server => ({ server, capture: server.capture() }))
      t.teardown(() => {
        for (const { capture } of atServers) capture.close()
      })
      await client.run(curls(4))
      const requests = atServers.flatMap(({ server, capture }) =>
        capture.frames
          .filter(frame => frame.ip?.destination === vip && frame.ip.protocol === TCP)
          .map(frame => ({
            to: frame.destination === server.mac,
            from: frame.source,
            ttl: frame.bytes.readUInt8(22),
          })),
      )
      t.ok(requests.length > 0)
      t.same(
        new Set(requests.map(request => JSON.stringify(request))),
        new Set([JSON.stringify({ to: true, from: host.mac, ttl: 63 })]),
      )
    },
  )

  await t.test('leaves nothing attached, pinned or configured when it is stopped by SIGTERM', async t => {
    await daemon.stop()
    t.equal(await daemon.exited, 'exit 0')
    t.equal(withoutLifetimes(await host.run(['ip', 'address'])), withoutLifetimes(before))
    t.notMatch(await host.run(['ip', '-details', 'link']), /prog\/xdp/)
    t.notOk(existsSync(join(site.bpffs, 'xdplb')))
    t.same(existsSync(site.runDir) ? readdirSync(site.runDir) : [], [])
    t.notMatch(await host.run(['ip', 'neighbour']), /PERMANENT|managed/)
  })
})

/** A shell's loop over curl: one new connection each. */
function curls(times: number, from?: string): string[] {
  const source = from === undefined ? '' : `--interface ${from}`
  return [
    'sh',
    '-c',
    `for i in $(seq ${times}); do curl -sS -m 5 ${source} http://${vip}/ || echo failed; done`,
  ]
}

function withoutLifetimes(text: string): string {
  return text.replaceAll(/valid_lft.*$/gm, '')
}
