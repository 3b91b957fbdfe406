import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { parseAddress } from '../../lib/address.js'
import { type Answer, Connector } from '../../lib/net/connector.js'
import { errnos } from '../../lib/net/errno.js'

async function listen(t: Test, host: string, backlog = 511): Promise<{ server: Server; port: number }> {
  const server = createServer(client => client.resume()).listen(0, host, backlog)
  t.teardown(() => server.close())
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

function open(t: Test): Connector {
  const connector = new Connector()
  t.teardown(() => connector.close())
  return connector
}

/** Keeps the loop running meanwhile, which a connector does not. */
async function ask(connector: Connector, host: string, port: number, local = {}): Promise<Answer> {
  const ends = { address: parseAddress(host), port, ...local }
  const waiting = setInterval(() => {}, 1000)
  const answer = await new Promise<Answer>(resolve => connector.connect(ends, resolve))
  clearInterval(waiting)
  return answer
}

for (const host of ['127.0.0.1', '::1']) {
  t.test(`${host}: who listens is found, and who does not`, async t => {
    const { server, port } = await listen(t, host)
    const connector = open(t)
    t.same(await ask(connector, host, port), { errno: 0, asked: true })
    await new Promise(resolve => server.close(resolve))
    t.same(await ask(connector, host, port), { errno: errnos.ECONNREFUSED, asked: true })
  })
}

t.test('a port of our own may be chosen without an address, and again at once', async t => {
  const { server: none, port: localPort } = await listen(t, '127.0.0.3')
  none.close()
  const connector = open(t)
  for (const host of ['127.0.0.1', '127.0.0.2']) {
    const { server, port } = await listen(t, host)
    const accepted = once(server, 'connection')
    t.match(await ask(connector, host, port, { localPort }), { errno: 0 })
    const [client] = await accepted
    t.equal(client.remotePort, localPort)
  }
})

t.test('what the kernel says at once is told later', async t => {
  const connector = open(t)
  const foreign = { localAddress: parseAddress('192.0.2.1') }
  t.same(await ask(connector, '127.0.0.1', 1, foreign), { errno: errnos.EADDRNOTAVAIL, asked: false })
  t.same(await ask(connector, '255.255.255.255', 1), { errno: errnos.ENETUNREACH, asked: true })
  const giveUp = connector.connect({ address: parseAddress('255.255.255.255'), port: 1 }, t.fail)
  giveUp()
  await turn()
})

t.test('all that have an answer are told in one turn of the loop', async t => {
  const { port } = await listen(t, '127.0.0.1')
  const connector = open(t)
  const ends = { address: parseAddress('127.0.0.1'), port }
  let answers = 0
  for (let i = 0; i < 200; i++) connector.connect(ends, () => answers++)
  await turn()
  t.equal(answers, 200)
})

t.test('who hears an answer may give up the others, and begin anew', async t => {
  const { port } = await listen(t, '127.0.0.1', 1)
  const connector = open(t)
  const address = parseAddress('127.0.0.1')
  const answers: string[] = []
  const refused = [0, 1, 2, 3].map(() =>
    connector.connect({ address, port: 1 }, () => {
      answers.push('refused')
      for (const giveUp of refused) giveUp()
      // they get the numbers of those; of the queue's two places the last one finds none, and is asked to wait
      for (let i = 0; i < 4; i++) connector.connect({ address, port }, () => answers.push(`accepted ${i}`))
    }),
  )
  for (let turns = 0; turns < 10; turns++) await turn()
  t.equal(answers.shift(), 'refused')
  t.same(answers.sort(), ['accepted 0', 'accepted 1'])
})
