import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { built } from '../../cli/demo/lab/built.js'
import { request } from '../../cli/demo/lab/http.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { realserverCommand } from '../../cli/realserver.js'
import { type Address, parseAddress } from '../../lib/address.js'
import { errnos } from '../../lib/net/errno.js'
import { Netlink } from '../../lib/net/netlink/netlink.js'
import { realserverCheck } from '../../lib/realserver/check.js'
import { formatChange } from '../../lib/realserver/plan.js'
import { realserverDown, realserverUp } from '../../lib/realserver/realserver.js'
import { readSysctl, writeSysctl } from '../../lib/realserver/sysctl.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'
const vip = parseAddress('10.0.0.1')
const vip6 = parseAddress('2001:db8::1')

t.test('on a host', { skip }, async t => {
  await using lab = await Lab.open()
  const [client, host] = await Promise.all([
    lab.host('client', { addresses: ['10.0.0.100/24'] }),
    lab.host('websvr1', { addresses: ['10.0.0.71/24'] }),
  ])
  const runDir = join(lab.directory, 'run')
  const recordFile = join(runDir, 'realserver.json')

  const up = (...vips: Address[]) => host.enter(() => realserverUp({ vips, runDir })).map(formatChange)
  const down = (...vips: Address[]) => host.enter(() => realserverDown({ vips, runDir })).map(formatChange)
  const check = (...vips: Address[]) => host.enter(() => realserverCheck({ vips }))
  const read = (name: string, setting: string) => host.enter(() => readSysctl({ interface: name, setting }))
  const write = (name: string, setting: string, value: number) =>
    host.enter(() => writeSysctl({ interface: name, setting }, value))
  const onLo = () => host.run(['ip', '-brief', 'address', 'show', 'dev', 'lo'])
  const settings = ['all', 'lo'].flatMap(name =>
    ['arp_ignore', 'arp_announce'].map(what => [name, what] as const),
  )
  const values = () => settings.map(([name, setting]) => read(name, setting))

  const allDone = [
    'set net.ipv4.conf.all.arp_ignore to 1 (was 0)',
    'set net.ipv4.conf.all.arp_announce to 2 (was 0)',
    'set net.ipv4.conf.lo.arp_ignore to 1 (was 0)',
    'set net.ipv4.conf.lo.arp_announce to 2 (was 0)',
    'added 10.0.0.1/32 to lo',
  ]
  const allUndone = [
    'removed 10.0.0.1/32 from lo',
    'set net.ipv4.conf.all.arp_ignore to 0 (was 1)',
    'set net.ipv4.conf.all.arp_announce to 0 (was 2)',
    'set net.ipv4.conf.lo.arp_ignore to 0 (was 1)',
    'set net.ipv4.conf.lo.arp_announce to 0 (was 2)',
  ]

  /** Does anybody answer the client's ARP requests for the VIP? */
  async function isAnswered(): Promise<boolean> {
    await client.run(['sysctl', '-qw', 'net.ipv4.neigh.enp0s8.retrans_time_ms=50'])
    const [answer] = await request(client, 'http://10.0.0.1:9/', { from: ['10.0.0.100'] })
    await client.ip('neighbour flush to 10.0.0.1')
    return answer?.text !== 'EHOSTUNREACH'
  }

  await t.test('up makes a web server of it, and check agrees', async t => {
    t.equal(check(vip).length, 3)
    t.same(up(vip), allDone)
    t.match(await onLo(), /10\.0\.0\.1\/32/)
    t.same(values(), [1, 2, 1, 2])
    t.same(check(vip), [])
  })

  await t.test('up twice does nothing more', async t => {
    const record = readFileSync(recordFile, 'utf8')
    t.same(up(vip, vip), [])
    t.equal(readFileSync(recordFile, 'utf8'), record)
  })

  await t.test('the record is for its owner alone', async t => {
    t.equal(statSync(recordFile).mode & 0o777, 0o600)
  })

  await t.test('down undoes it all, and down again nothing', async t => {
    t.same(down(vip), allUndone)
    t.notMatch(await onLo(), /10\.0\.0\.1/)
    t.same(values(), [0, 0, 0, 0])
    t.throws(() => statSync(recordFile), { code: 'ENOENT' })
    t.same(down(vip), [])
  })

  await t.test('a web server does not answer ARP for the VIP, any other host that has it does', async t => {
    await host.ip('address add 10.0.0.1/32 dev lo')
    t.equal(await isAnswered(), true)
    t.same(up(vip), allDone.slice(0, -1))
    t.equal(await isAnswered(), false)
    down(vip)
    await host.ip('address delete 10.0.0.1/32 dev lo')
  })

  await t.test('an address that the operator had there before stays', async t => {
    await host.ip('address add 10.0.0.1/32 dev lo')
    up(vip)
    up(vip)
    t.match(JSON.parse(readFileSync(recordFile, 'utf8')), { vips: [{ address: vip, added: false }] })
    t.same(down(vip), allUndone.slice(1))
    t.match(await onLo(), /10\.0\.0\.1\/32/)
    await host.ip('address delete 10.0.0.1/32 dev lo')
  })

  await t.test('an address that the operator has put there anew since then stays', async t => {
    up(vip)
    await host.ip('address delete 10.0.0.1/32 dev lo', 'address add 10.0.0.1/32 dev lo')
    t.same(down(vip), allUndone.slice(1))
    t.match(await onLo(), /10\.0\.0\.1\/32/)
    await host.ip('address delete 10.0.0.1/32 dev lo')
  })

  await t.test('a value that serves as well stays, before and after', async t => {
    write('all', 'arp_ignore', 2)
    t.same(up(vip), allDone.slice(1))
    down(vip)
    t.same(values(), [2, 0, 0, 0])
    write('all', 'arp_ignore', 0)
  })

  await t.test('a value that the operator has changed since then stays', async t => {
    up(vip)
    write('all', 'arp_announce', 1)
    down(vip)
    t.same(values(), [0, 1, 0, 0])
    write('all', 'arp_announce', 0)
  })

  await t.test('what up set right again goes back to what was there last', async t => {
    up(vip)
    write('all', 'arp_ignore', 3)
    t.same(up(vip), ['set net.ipv4.conf.all.arp_ignore to 1 (was 3)'])
    down(vip)
    t.same(values(), [3, 0, 0, 0])
    write('all', 'arp_ignore', 0)
  })

  await t.test('several VIPs come and go, and the last of IPv4 takes the ARP settings along', async t => {
    const other = parseAddress('10.0.0.2')
    up(vip)
    t.same(up(vip6, other), ['added 2001:db8::1/128 to lo', 'added 10.0.0.2/32 to lo'])
    t.same(check(vip, vip6, other), [])
    t.same(down(vip), ['removed 10.0.0.1/32 from lo'])
    t.same(down(other), ['removed 10.0.0.2/32 from lo', ...allUndone.slice(1)])
    t.same(down(vip6), ['removed 2001:db8::1/128 from lo'])
    t.throws(() => statSync(recordFile), { code: 'ENOENT' })
  })

  await t.test('an IPv6 VIP can be used at once, and asks nothing of ARP', async t => {
    t.same(up(vip6), ['added 2001:db8::1/128 to lo'])
    const addresses = host.enter(() => {
      using netlink = Netlink.open()
      return netlink.addresses()
    })
    t.match(
      addresses.find(({ address }) => address === vip6),
      { ifindex: 1, prefixLength: 128, noDad: true, tentative: false },
    )
    down(vip6)
  })

  await t.test('what a process that died half-way has done is undone', async t => {
    up(vip)
    const record = readFileSync(recordFile, 'utf8')
    down(vip)
    write('all', 'arp_ignore', 1)
    writeFileSync(recordFile, record)
    t.same(down(vip), ['set net.ipv4.conf.all.arp_ignore to 0 (was 1)'])
  })

  await t.test('the record is there before the first change', async t => {
    await host.ip('link set lo down')
    await host.run(['sysctl', '-qw', 'net.ipv6.conf.lo.disable_ipv6=1'])
    t.throws(() => up(vip6), { message: /add address: 2001:db8::1\/128/ })
    t.match(JSON.parse(readFileSync(recordFile, 'utf8')), { vips: [{ address: vip6, added: true }] })
    t.same(down(vip6), [])
    await host.run(['sysctl', '-qw', 'net.ipv6.conf.lo.disable_ipv6=0'])
    await host.ip('link set lo up')
  })

  await t.test('a record that is something else is refused', async t => {
    const good = { vips: [{ address: vip, added: true }], settings: [] }
    const setting = { interface: 'all', setting: 'arp_ignore', before: 0, after: 1 }
    for (const content of [
      '',
      'null',
      JSON.stringify({ vips: [] }),
      JSON.stringify({ ...good, vips: [{ address: '10.0.0.01', added: true }] }),
      JSON.stringify({ ...good, vips: [{ address: vip }] }),
      JSON.stringify({ ...good, settings: [{ ...setting, setting: '../../../kernel/panic' }] }),
      JSON.stringify({ ...good, settings: [{ ...setting, before: '0' }] }),
    ]) {
      writeFileSync(recordFile, content)
      t.throws(
        () => up(vip),
        { code: 'CONFIG', message: `read record: ${recordFile}: something else` },
        content,
      )
    }
    rmSync(recordFile)
  })

  await t.test('a sysctl that cannot be written is told by its name', async t => {
    t.throws(() => write('eth7', 'arp_ignore', 1), {
      code: 'NOT_FOUND',
      errno: errnos.ENOENT,
      message: 'write sysctl: net.ipv4.conf.eth7.arp_ignore: ENOENT',
    })
  })

  await t.test('who may not do it is told what it takes', async t => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath]
    const command = [built('cli/main.js'), 'realserver', 'up', '--vip', '10.0.0.1', '--run-dir']
    const child = host.spawn([...nobody, ...command, '/run/xdplb-of-root'])
    t.equal(await child.exited, 'exit 1')
    t.match(
      child.stderr,
      /^xdplb: write record: .*realserver\.json: EACCES, expected root, or CAP_NET_ADMIN[^\n]*\n$/,
    )
  })

  await t.test('the command does the same', async t => {
    function xdplb(name: string, ...args: string[]): string {
      const command = realserverCommand().commands.find(command => command.name() === name)
      const written = t.capture(process.stdout, 'write')
      try {
        host.enter(() => command?.setOptionValue('runDir', runDir).parse(args, { from: 'user' }))
        const text = written().map(({ args: [text] }) => text)
        return `${process.exitCode ?? 0}: ${text.join('')}`
      } finally {
        written.restore()
        process.exitCode = undefined
      }
    }
    const done = [...allDone, 'added 2001:db8::1/128 to lo']
    t.equal(xdplb('up', '--vip', '10.0.0.1', '2001:db8::1'), `0: ${done.join('\n')}\n`)
    t.equal(xdplb('check', '--vip', '10.0.0.1', '--vip', '2001:db8::1'), '0: all is well\n')
    const removed = [{ type: 'addressRemoved', address: vip6 }]
    t.equal(xdplb('down', '--vip', '2001:db8::1', '--json'), `0: ${JSON.stringify(removed, null, 2)}\n`)
    t.match(xdplb('check', '--vip', '2001:db8::1'), /^1: error: address 2001:db8::1: missing/)
    t.equal(xdplb('down', '--vip', '10.0.0.1'), `0: ${allUndone.join('\n')}\n`)
    t.equal(xdplb('down', '--vip', '10.0.0.1'), '0: nothing to do\n')
  })

  await t.test('the command takes nothing but addresses', async t => {
    const check = realserverCommand().commands.find(command => command.name() === 'check')
    check?.exitOverride().configureOutput({ writeErr: () => {} })
    const parse = (...args: string[]) => check?.parse(args, { from: 'user' })
    t.throws(() => parse('--vip', '10.0.0.300'), {
      code: 'commander.invalidArgument',
      message: /10\.0\.0\.300/,
    })
    t.throws(() => parse(), { code: 'commander.missingMandatoryOptionValue' })
  })
})
