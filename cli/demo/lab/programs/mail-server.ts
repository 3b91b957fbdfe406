/** A mail server on this host's own port 25, for anybody and anything: says `open`, and the subject of each mail. */
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

const server = createServer(async socket => {
  socket.on('error', () => {})
  const say = (line: string) => socket.write(`${line}\r\n`)
  let isMail = false
  say('220 lab ESMTP')
  for await (const line of createInterface({ input: socket })) {
    if (isMail) {
      const subject = /^Subject: (.*)/.exec(line)?.[1]
      if (subject !== undefined) process.stdout.write(`${subject}\n`)
      if (line !== '.') continue
      isMail = false
      say('250 taken')
    } else if (/^data/i.test(line)) {
      isMail = true
      say('354 go on, end with a dot')
    } else if (/^quit/i.test(line)) {
      say('221 bye')
      socket.end()
    } else say('250 ok')
  }
})
server.listen(25, '127.0.0.1', () => process.stdout.write('open\n'))
