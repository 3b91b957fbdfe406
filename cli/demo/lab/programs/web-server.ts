/**
 * A web server: `node web-server.js NAME [PORT]`. Says `listening` when it does. Answers with its name; `/counts`
 * answers with what it has done so far, `{"connections":3,"requests":7}`, itself not counted.
 */
import { createServer } from 'node:http'

const [name = 'web server', port = '80'] = process.argv.slice(2)
const counts = { connections: 0, requests: 0 }
const counted = new WeakSet<object>()

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain')
  if (request.url === '/counts') {
    response.end(JSON.stringify(counts))
    return
  }
  counts.requests += 1
  if (!counted.has(request.socket)) {
    counted.add(request.socket)
    counts.connections += 1
  }
  response.end(`${name}\n`)
})

server.keepAliveTimeout = 0 // a connection stays open for as long as the client likes
server.listen(Number(port), () => process.stdout.write('listening\n'))
