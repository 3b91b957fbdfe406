/**
 * Holds connections open: `hold.ts HOST PORT COUNT ADDRESS…`. Opens so many connections, from the addresses in turn,
 * and says `open COUNT`. On each SIGUSR2 sends a request on every one of them and says `answered N of COUNT`.
 */
import { once, setMaxListeners } from 'node:events'
import { connect, type Socket } from 'node:net'

const ROUND_MS = 10_000

const [host = '', port = '', count = '', ...addresses] = process.argv.slice(2)

async function open(index: number): Promise<Socket> {
  const localAddress = addresses[index % addresses.length]
  const socket = connect({ host, port: Number(port), ...(localAddress && { localAddress }) })
  await once(socket, 'connect')
  return socket.on('error', () => {})
}

async function isAnswered(socket: Socket, signal: AbortSignal): Promise<boolean> {
  if (socket.destroyed) return false
  const answer = once(socket, 'data', { signal })
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  return answer.then(
    ([data]) => String(data).startsWith('HTTP/1.1 200'),
    () => false,
  )
}

const sockets = await Promise.all(Array.from({ length: Number(count) }, (_, index) => open(index)))
process.on('SIGUSR2', async () => {
  const signal = AbortSignal.timeout(ROUND_MS)
  setMaxListeners(sockets.length, signal)
  const answers = await Promise.all(sockets.map(socket => isAnswered(socket, signal)))
  process.stdout.write(`answered ${answers.filter(Boolean).length} of ${answers.length}\n`)
})

process.stdout.write(`open ${sockets.length}\n`)
