/**
 * An HTTP client: `node http-client.js URL TIMES ADDRESS…`. Asks for the URL from each of the addresses in turn, so
 * many times, each time over a new connection, and says what came of it, a line each: `10.0.0.100 200 websvr1`,
 * `10.0.0.100 error ECONNREFUSED`.
 */
import { get, type IncomingMessage } from 'node:http'

const TIMEOUT_MS = 5000

const [url = '', times = '', ...addresses] = process.argv.slice(2)

async function ask(localAddress: string): Promise<string> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { localAddress, signal, agent: false }, resolve).on('error', reject)
    })
    let body = ''
    for await (const chunk of answer.setEncoding('utf8')) body += chunk
    return `${answer.statusCode} ${body.trim()}`
  } catch (error) {
    if (signal.aborted) return 'error timeout'
    return `error ${error instanceof Error && 'code' in error ? error.code : error}`
  }
}

for (let i = 0; i < Number(times); i++) {
  for (const address of addresses) process.stdout.write(`${address} ${await ask(address)}\n`)
}
