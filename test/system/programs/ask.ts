/**
 * Asks without a pause: `ask.ts HOST PORT EVERY_MS ADDRESS…`. Sends a request over a new connection so often, from the
 * addresses in turn, and says what came of it when: `1700000000000 1700000000004 200 websvr1`, `1700000000010 1700000001010 timeout`.
 */
import { get } from 'node:http'
import { text } from 'node:stream/consumers'

const TIMEOUT_MS = 1000

const [host = '', port = '', every = '', ...addresses] = process.argv.slice(2)
let count = 0

function ask(): void {
  const localAddress = addresses[count++ % addresses.length]
  const begun = Date.now()
  const tell = (outcome: string) => process.stdout.write(`${begun} ${Date.now()} ${outcome}\n`)
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const options = { host, port: Number(port), signal, agent: false, ...(localAddress && { localAddress }) }
  const fail = (error: NodeJS.ErrnoException) => tell(signal.aborted ? 'timeout' : (error.code ?? error.name))
  get(options, answer => {
    text(answer).then(name => tell(`${answer.statusCode} ${name.trim()}`), fail)
  }).on('error', fail)
}

setInterval(ask, Number(every))
