import t from 'tap'
import { traceText } from '../../cli/trace.js'
import type { Decision } from '../../lib/decision.js'

const decision: Decision = {
  at: '2026-11-22T12:00:00.123Z',
  verdict: 'tx',
  phrase: 'sent to a real server, by the interface it came in by',
  client: '10.0.0.100:40000',
  virtual: '10.0.0.1:80',
  protocol: 'tcp',
  signal: 'begin',
  length: 40,
  reason: 'scheduler',
  service: '10.0.0.1:80/tcp',
  real: '10.0.0.71:80',
}

t.test('a trace is a line for each decision', async t => {
  t.equal(
    traceText(decision),
    '12:00:00.123 tcp 10.0.0.100:40000 > 10.0.0.1:80 begin: sent to a real server, by the interface it came in by: 10.0.0.71:80 (scheduler)',
  )
  const { at } = decision
  const phrase = 'passed up: neither IPv4 nor IPv6'
  t.equal(traceText({ at, verdict: 'pass_ethertype', phrase }), `12:00:00.123 a packet: ${phrase}`)
  t.equal(traceText({ lost: 12 }), '12 more that there was no room for')
})
