import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { whereText } from '../../cli/where.js'
import { ControlServer } from '../../lib/control/server.js'
import { socketPath } from '../../lib/control/socket-path.js'
import type { PacketQuestion, Whereabouts } from '../../lib/decision.js'
import { parseEndpoint } from '../../lib/service.js'
import { controllable } from '../tools/controllable.js'
import { xdplb } from './xdplb.js'

const persistent: Whereabouts = {
  verdict: 'tx',
  phrase: 'sent to a real server',
  reason: 'template',
  service: '10.0.0.1:80/tcp',
  scheduler: 'rr',
  real: '10.0.0.71:80',
  forwarding: 'dr',
  mac: '02:00:00:00:00:71',
  persistsSeconds: 7200,
}

t.test('where says what becomes of the packet, and what led there', async t => {
  t.equal(
    whereText(persistent),
    `sent to a real server: 10.0.0.71:80
  in a frame to 02:00:00:00:00:71
  service 10.0.0.1:80/tcp
  because persistence knows the client, for another 2 h
`,
  )
  t.match(whereText({ ...persistent, forwarding: 'tun' }), '  in a tunnel, in a frame to 02:00:00:00:00:71\n')
  t.match(whereText({ ...persistent, reason: 'flow' }), '  because the connection is known\n')
  t.match(whereText({ ...persistent, reason: 'scheduler' }), 'the scheduler rr gives it the next turn')
  t.equal(
    whereText({ verdict: 'pass_not_vip', phrase: 'passed up: not for a virtual address' }),
    'passed up: not for a virtual address\n',
  )
})

t.test('the command asks a running balancer', async t => {
  const runDir = mkdtempSync(join(tmpdir(), 'xdplb-'))
  t.teardown(() => rmSync(runDir, { recursive: true }))
  const server = await ControlServer.listen(socketPath({ runDir }))
  t.teardown(() => server.close())
  const asked: PacketQuestion[] = []
  const where = (packet: PacketQuestion) => {
    asked.push(packet)
    return persistent
  }
  server.serve(controllable({ where }))
  const words = ['10.0.0.100:40000', '[2001:db8::1]:443', '--proto', 'tcp', '--flags', 'syn,ack']
  const { code, stdout } = await xdplb('where', ...words, '--json', '--run-dir', runDir)
  t.equal(code, 0)
  t.strictSame(JSON.parse(stdout), persistent)
  t.strictSame(asked, [
    {
      source: parseEndpoint('10.0.0.100:40000'),
      destination: parseEndpoint('[2001:db8::1]:443'),
      protocol: 'tcp',
      flags: ['SYN', 'ACK'],
    },
  ])
  t.match(await xdplb('where', '10.0.0.100', '10.0.0.1:80', '--run-dir', runDir), {
    code: 2,
    stderr: /"10\.0\.0\.100", expected ADDRESS:PORT/,
  })
})
