/** An SMTP server on this host's own port 25: says `open`, and then a line of JSON for each mail, its text as it came. */
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'

const server = new SMTPServer({
  authOptional: true,
  disableReverseLookup: true,
  logger: false,
  onData(stream, session, done) {
    text(stream).then(text => {
      const to = session.envelope.rcptTo.map(({ address }) => address)
      process.stdout.write(`${JSON.stringify({ to, text })}\n`)
      done()
    }, done)
  },
})
server.on('error', () => {}) // clients that go away
server.listen(25, '127.0.0.1', () => process.stdout.write('open\n'))
