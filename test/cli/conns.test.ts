import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Connection, ConnectionFilter } from '../../lib/connection.js'
import { ControlServer } from '../../lib/control/server.js'
import { socketPath } from '../../lib/control/socket-path.js'
import { XdplbError } from '../../lib/errors.js'
import { parseNetwork } from '../../lib/network.js'
import { controllable } from '../tools/controllable.js'
import { xdplb } from './xdplb.js'

const flow: Connection = {
  kind: 'flow',
  protocol: 'tcp',
  state: 'ESTABLISHED',
  expiresSeconds: 899.75,
  client: '10.0.0.100:40000',
  virtual: '10.0.0.1:80',
  real: '10.0.0.71:80',
  service: '10.0.0.1:80/tcp',
}
const template: Connection = {
  ...flow,
  kind: 'template',
  state: 'NONE',
  expiresSeconds: 7205,
  client: '10.0.0.100:0',
}

t.test('xdplb conns', async t => {
  const runDir = mkdtempSync(join(tmpdir(), 'xdplb-'))
  t.teardown(() => rmSync(runDir, { recursive: true }))
  const server = await ControlServer.listen(socketPath({ runDir }))
  t.teardown(() => server.close())
  const conns = (...args: string[]) => xdplb('conns', '--run-dir', runDir, ...args)
  /** What was asked for last. */
  let asked: ConnectionFilter | undefined
  async function* connections(filter: ConnectionFilter) {
    asked = filter
    yield [template]
    yield [flow]
  }
  server.serve(controllable({ connections }))

  await t.test('prints what ipvsadm -Lnc prints', async t => {
    t.strictSame(await conns(), {
      code: 0,
      stdout: [
        'IPVS connection entries',
        'pro expire state       source             virtual            destination',
        'TCP 120:05 NONE        10.0.0.100:0       10.0.0.1:80        10.0.0.71:80',
        'TCP 14:59  ESTABLISHED 10.0.0.100:40000   10.0.0.1:80        10.0.0.71:80',
        '',
      ].join('\n'),
      stderr: '',
    })
    t.strictSame(asked, {})
  })

  await t.test('prints a line of JSON for each with --json', async t => {
    const { stdout } = await conns('--json')
    t.strictSame(
      stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)),
      [template, flow],
    )
  })

  await t.test('hands the filters on', async t => {
    const service = '10.0.0.1:80/tcp'
    const words = ['--client', '10.0.0.0/8', '--service', service, '--real', '10.0.0.71:80']
    t.match(await conns(...words, '--state', 'established'), { code: 0 })
    const client = parseNetwork('10.0.0.0/8')
    t.strictSame(asked, { client, service, real: '10.0.0.71:80', state: 'ESTABLISHED' })
    t.match(await conns('--client', '10.0.0.0/33'), { code: 2, stderr: /expected ADDRESS or ADDRESS\/BITS/ })
  })

  await t.test('an error in the middle of the list is told, and fails', async t => {
    server.serve(
      controllable({
        connections: async function* () {
          yield [flow]
          throw new XdplbError('CLOSED', 'list connections: balancer is closed')
        },
      }),
    )
    const { code, stdout, stderr } = await conns()
    t.match({ code, stderr }, { code: 1, stderr: 'xdplb: list connections: balancer is closed\n' })
    t.match(stdout, /10\.0\.0\.71:80\n$/)
  })
})
