/**
 * A client that does not stop asking: `node steady-client.js URL EVERY_MS ADDRESS`. A new connection each time, whether
 * the last one was answered or not; a line for each answer, with the milliseconds since the epoch at which it came:
 * `1763820000123 websvr1`.
 */
import { get } from 'node:http'
import { text } from 'node:stream/consumers'

const [url = '', everyMs = '', localAddress = ''] = process.argv.slice(2)

setInterval(() => {
  const signal = AbortSignal.timeout(1000)
  get(url, { localAddress, signal, agent: false }, async answer => {
    process.stdout.write(`${Date.now()} ${(await text(answer)).trim()}\n`)
  }).on('error', () => {}) // what is not answered leaves a gap
}, Number(everyMs))
