import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { formatCount, formatDuration, formatRate } from '../../cli/quantity.js'
import { statusText } from '../../cli/status-text.js'
import { tableLines } from '../../cli/table.js'
import type { Paint } from '../../cli/terminal.js'
import { ControlServer } from '../../lib/control/server.js'
import { socketPath } from '../../lib/control/socket-path.js'
import type { BalancerStatus, RealStatus } from '../../lib/status.js'
import { controllable, inParts } from '../tools/controllable.js'
import { xdplb } from './xdplb.js'

const idle = {
  connections: 0,
  packets: 0,
  bytes: 0,
  connectionsPerSecond: 0,
  packetsPerSecond: 0,
  bytesPerSecond: 0,
}
const busy = {
  connections: 1234567,
  packets: 9876543210,
  bytes: 9876543210000,
  connectionsPerSecond: 1234.5,
  packetsPerSecond: 812345,
  bytesPerSecond: 1250000,
}
const up: RealStatus = {
  real: '10.0.0.71:80',
  state: 'up',
  forwarding: 'dr',
  weight: 1,
  interface: 'enp0s8',
  mac: '02:00:00:00:00:71',
  active: 12345,
  inactive: 678901,
  traffic: busy,
}

const silent = { forwarding: 'dr', weight: 1, active: 0, inactive: 0, traffic: idle } as const

const status: BalancerStatus = {
  name: 'lb1',
  version: '0.1.0',
  pid: 4711,
  startedAt: '2026-11-22T12:00:00.000Z',
  adopted: true,
  resized: { formerSlots: 262144, moved: 691000, lost: 246 },
  warnings: [],
  interfaces: [
    { name: 'enp0s8', state: 'attached', mode: 'native', ifindex: 3, mac: '02:00:00:00:00:0b' },
    { name: 'enp0s9', state: 'missing' },
  ],
  vrrp: [{ instance: 'external', state: 'MASTER', since: '2026-11-22T12:00:00.000Z' }],
  vips: [
    { address: '10.0.0.1', role: 'master' },
    { address: '10.0.0.2', role: 'backup' },
  ],
  services: [
    {
      service: '10.0.0.1:80/tcp',
      scheduler: 'rr',
      persistenceSeconds: 7200,
      traffic: busy,
      reals: [
        up,
        { ...up, ...silent, real: '10.0.0.72:80', state: 'unresolved', reason: 'nobody answers' },
        { ...silent, real: '10.9.9.9:80', state: 'unresolved', reason: 'no way there' },
        { ...up, ...silent, real: '10.7.0.1:80', forwarding: 'tun' },
        {
          ...up,
          ...silent,
          real: '10.0.0.74:80',
          state: 'down',
          reason: 'TCP_CHECK of 10.0.0.74:80: refused',
        },
        { ...up, real: '10.0.0.73:80', state: 'removed', weight: 0, active: 5, inactive: 0, traffic: idle },
      ],
    },
    { service: '255.255.255.255:65535/udp', scheduler: 'rr', traffic: idle, reals: [] },
  ],
  flowTable: { flows: 691246, slots: 1048576, templates: 99, templateSlots: 65536, memoryBytes: 75497472 },
  verdicts: { pass_not_vip: 17, drop_ttl: 0, tx: 9876543210 },
  events: { flow_made: 0 },
}

const now = new Date('2026-11-22T14:05:09.000Z')
const plain: Paint = (_, text) => text

t.test('status is tables that a person reads', async t => {
  t.equal(
    statusText(status, now, plain),
    `lb1: xdplb 0.1.0, process 4711, running for 2 h 5 min
  on the data plane that an earlier process left forwarding
  the flow table has 1.05M places instead of 262k: 691k connections were moved, 246 had no room

INTERFACE  STATE     MODE    MAC
enp0s8     attached  native  02:00:00:00:00:0b
enp0s9     missing
  no such interface; it is used again as soon as there is one

VRRP INSTANCE  STATE   FOR
external       MASTER  2 h 5 min

VIP       ROLE
10.0.0.1  master
10.0.0.2  backup

SERVICE, REALS             STATE       WEIGHT  ACTIVE  INACTIVE  CONNS  CONN/S  PKT/S  BIT/S
10.0.0.1:80/tcp            rr                  12,350      679k  1.23M   1.23k   812k    10M
  persistent for 7200 s
  10.0.0.71:80             up               1  12,345      679k  1.23M   1.23k   812k    10M
  10.0.0.72:80             unresolved       1       0         0      0       0      0      0
    no new flow: nobody answers
    see: ip neigh show 10.0.0.72 dev enp0s8
  10.9.9.9:80              unresolved       1       0         0      0       0      0      0
    no new flow: no way there
    see: ip route get 10.9.9.9
  10.7.0.1:80              up, tun          1       0         0      0       0      0      0
  10.0.0.74:80             down             1       0         0      0       0      0      0
    no new flow: TCP_CHECK of 10.0.0.74:80: refused
  10.0.0.73:80             removed          0       5         0      0       0      0      0
255.255.255.255:65535/udp  rr                       0         0      0       0      0      0

WHAT BECAME OF PACKETS                                 PACKETS
passed up: not for a virtual address                        17
sent to a real server, by the interface it came in by    9.88G

flows: 691k in 1.05M slots; persistence templates: 99 in 65,536 slots; memory: 72 MiB
`,
  )
})

t.test('nothing that status prints is wider than 100 columns', async t => {
  const lines = statusText(status, now, plain).split('\n')
  t.ok(Math.max(...lines.map(line => line.length)) <= 100)
})

t.test('colours change no column', async t => {
  const loud: Paint = (_, text) => `\u001b[31m${text}\u001b[39m`
  t.equal(stripVTControlCharacters(statusText(status, now, loud)), statusText(status, now, plain))
})

t.test('a table aligns text left and numbers right', async t => {
  t.strictSame(
    tableLines(['NAME', '>N', 'X'], [['a', '1'], '  a line of its own, however long', ['bbbbb', '10', 'x']]),
    ['NAME    N  X', 'a       1', '  a line of its own, however long', 'bbbbb  10  x'],
  )
})

t.test('numbers are short enough to read', async t => {
  t.strictSame([0, 999, 12345, 99999, 100000, 1234567].map(formatCount), [
    '0',
    '999',
    '12,345',
    '99,999',
    '100k',
    '1.23M',
  ])
  t.strictSame([0, 0.25, 9.94, 123.4, 1000, 54321, 3e9].map(formatRate), [
    '0',
    '0.25',
    '9.94',
    '123',
    '1k',
    '54.3k',
    '3G',
  ])
  t.strictSame([-1, 0.9, 59, 60, 7500, 86400 * 400 + 3600].map(formatDuration), [
    '0 s',
    '0 s',
    '59 s',
    '1 min',
    '2 h 5 min',
    '400 d 1 h',
  ])
})

t.test('the command asks the balancer that --name and --run-dir say', async t => {
  const runDir = mkdtempSync(join(tmpdir(), 'xdplb-'))
  t.teardown(() => rmSync(runDir, { recursive: true }))
  const server = await ControlServer.listen(socketPath({ name: 'lb1', runDir }))
  t.teardown(() => server.close())
  const where = ['--name', 'lb1', '--run-dir', runDir]

  t.match(await xdplb('status', ...where), {
    code: 1,
    stdout: '',
    stderr: /^xdplb: .*still starting; try again\n$/,
  })
  server.serve(controllable({ statusInParts: () => inParts(status) }))
  const json = await xdplb('status', '--json', ...where)
  t.match(json, { code: 0, stderr: '' })
  t.strictSame(JSON.parse(json.stdout), status)
  t.match(await xdplb(...where, 'status'), {
    code: 0,
    stdout: /^lb1: xdplb 0.1.0, process 4711, running for/,
    stderr: '',
  })
})

t.test('without a balancer the command says so in one line, and fails', async t => {
  t.match(await xdplb('status', '--name', 'lb7', '--run-dir', '/nowhere'), {
    code: 1,
    stdout: '',
    stderr: /^xdplb: .*no balancer named lb7 is running \(socket \/nowhere\/lb7\.sock: not found\).*\n$/,
  })
})
