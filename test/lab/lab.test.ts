import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { built } from '../../cli/demo/lab/built.js'
import { request, startWebServer } from '../../cli/demo/lab/http.js'
import { Lab } from '../../cli/demo/lab/lab.js'
import { buildSeed } from '../../cli/demo/lab/seed.js'
import { BpfObject } from '../../lib/libbpf/index.js'
import { FrameSocket } from '../../lib/net/frame-socket.js'
import { Netlink } from '../../lib/net/netlink/netlink.js'

const skip = process.getuid?.() === 0 ? false : 'needs root to make network namespaces'

/** The namespaces and directories that this machine has from labs. */
function remains(): string[] {
  const names = [...(existsSync('/run/netns') ? readdirSync('/run/netns') : []), ...readdirSync(tmpdir())]
  return names.filter(name => name.startsWith('xdplb'))
}

/** The names of those that a process made. */
function remainsOf(pid: number | undefined): string[] {
  return remains().filter(name => name.endsWith(`-${pid}`))
}

/** Does the process still do anything? Who has ended may yet wait for its parent to take notice. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let left = 500; !condition(); left--) {
    if (left === 0) throw new Error(`still not true: ${condition}`)
    await delay(10)
  }
}

/** RFC 9293 §3.1: the ones' complement sum over pseudo header and segment, 0 when the checksum is right. */
function tcpChecksum(frame: Buffer): number {
  const packet = frame.subarray(14, 14 + frame.readUInt16BE(16))
  const segment = packet.subarray(20)
  const covered = Buffer.concat([
    packet.subarray(12, 20),
    Buffer.of(0, 6, 0, segment.length),
    segment,
    Buffer.of(0),
  ])
  let sum = 0
  for (let at = 0; at + 1 < covered.length; at += 2) sum += covered.readUInt16BE(at)
  return 0xffff - ((sum & 0xffff) + (sum >> 16))
}

t.test('hosts on the switch', { skip }, async t => {
  await using lab = await Lab.open()
  const [alice, bob] = await Promise.all([
    lab.host('alice', { addresses: ['10.0.0.1/24', '10.0.0.2/24'] }),
    lab.host('bob', { addresses: ['10.0.0.9/24'], interface: 'eth1' }),
  ])
  using capture = bob.capture()
  await startWebServer(bob)

  await t.test('the line is up when the host is there, under the name that was asked for', async t => {
    const link = bob.enter(() => {
      using netlink = Netlink.open()
      return netlink.link('eth1')
    })
    t.match(link, { running: true, operationalState: 'up', mac: bob.mac, kind: 'veth' })
  })

  await t.test('nothing goes over the cable that nobody asked for', async t => {
    t.same(capture.frames, [])
  })

  await t.test('they find each other by ARP and talk, from each of their addresses', async t => {
    const answers = await request(alice, 'http://10.0.0.9/', { from: ['10.0.0.1', '10.0.0.2'], times: 2 })
    t.same(
      answers,
      ['10.0.0.1', '10.0.0.2', '10.0.0.1', '10.0.0.2'].map(from => ({ from, status: '200', text: 'bob' })),
    )
    const [first] = capture.frames
    t.match(first, { source: alice.mac, destination: 'ff:ff:ff:ff:ff:ff', etherType: 0x0806 })
    const clients = capture.frames.filter(({ source }) => source === alice.mac).map(({ ip }) => ip?.source)
    t.same(new Set(clients.filter(Boolean)), new Set(['10.0.0.1', '10.0.0.2']))
  })

  await t.test('the web server counts connections and requests', async t => {
    const urls = ['http://10.0.0.9/', 'http://10.0.0.9/', 'http://10.0.0.9/counts']
    const before = await alice.run(['curl', '-s', 'http://10.0.0.9/counts'])
    const { connections, requests } = JSON.parse(before)
    const output = await alice.run(['curl', '-s', ...urls])
    t.equal(output, `bob\nbob\n{"connections":${connections + 1},"requests":${requests + 2}}`)
  })

  await t.test('a server that is not there is an error with a name', async t => {
    const answers = await request(alice, 'http://10.0.0.9:81/', { from: ['10.0.0.1'] })
    t.same(answers, [{ from: '10.0.0.1', status: 'error', text: 'ECONNREFUSED' }])
  })

  await t.test('senders compute their checksums', async t => {
    const sent = capture.frames.filter(({ ip, source }) => ip?.protocol === 6 && source === alice.mac)
    t.ok(sent.length > 0)
    t.same(new Set(sent.map(({ bytes }) => tcpChecksum(bytes))), new Set([0]))
  })

  await t.test('what XDP sends back goes through the switch', async t => {
    using floor = BpfObject.open(built('bpf/lab.bpf.o')).load()
    const ifindex = { alice: alice.ifindex('enp0s8'), bob: bob.ifindex('eth1') }
    using _link = bob.enter(() => floor.program('floor_swap').attachXdp(ifindex.bob))
    using atAlice = alice.capture()
    const frame = Buffer.alloc(60)
    frame.write(`${bob.mac}${alice.mac}88b5`.replaceAll(':', ''), 'hex') // local experiment, IEEE 802
    alice.enter(() => {
      using socket = FrameSocket.open()
      socket.send(ifindex.alice, frame)
    })
    const isBack = () => atAlice.frames.some(({ source }) => source === bob.mac)
    await until(isBack)
    const back = atAlice.frames.find(({ source }) => source === bob.mac)
    t.match(back, { destination: alice.mac, etherType: 0x88b5 })
  })

  await t.test('a cable that is cut takes the carrier away, and brings it back', async t => {
    const isRunning = () =>
      bob.enter(() => {
        using netlink = Netlink.open()
        return netlink.link('eth1')?.running
      })
    await bob.cutLink()
    t.equal(isRunning(), false)
    await bob.restoreLink()
    t.equal(isRunning(), true)
    t.match(await request(alice, 'http://10.0.0.9/', { from: ['10.0.0.1'] }), [{ text: 'bob' }])
  })

  await t.test('programs see the file systems of this machine', async t => {
    const mounts = await bob.run(['cat', '/proc/self/mountinfo'])
    t.equal(mounts, await lab.switch.run(['cat', '/proc/self/mountinfo']))
    t.equal(await bob.run(['readlink', '/proc/self/ns/mnt']), `${readlinkSync('/proc/self/ns/mnt')}\n`)
  })

  await t.test('a program that fails is told with its last words', async t => {
    await t.rejects(alice.run(['sh', '-c', 'echo so sad >&2; exit 3']), {
      code: 'SYSCALL',
      message: 'run: sh -c echo so sad >&2; exit 3: exit 3, expected exit 0\nso sad',
    })
    await t.rejects(alice.run(['no-such-program']), { message: /nsenter: .*no-such-program/ })
    await t.rejects(alice.spawn(['true']).printed(/ready/), {
      message: /exit 0, expected it to print \/ready\//,
    })
  })

  await t.test('a program that does not want to end is made to', async t => {
    const stubborn = alice.spawn(['sh', '-c', 'trap "" TERM; echo trapped; while :; do sleep 0.1; done'])
    await stubborn.printed(/trapped/)
    await stubborn.stop(50)
    t.equal(await stubborn.exited, 'SIGKILL')
  })
})

t.test('closing', { skip }, async t => {
  await t.test('leaves nothing, and twice is as good as once', async t => {
    const lab = await Lab.open()
    const host = await lab.host('host', { addresses: [] })
    const child = host.spawn(['sleep', '1000'])
    mkdirSync(join(lab.directory, 'bpffs'))
    await host.run(['mount', '-t', 'bpf', 'bpf', join(lab.directory, 'bpffs')])
    t.strictSame(remainsOf(process.pid).length, 3, 'a directory and two namespaces')
    await lab.close()
    await lab.close()
    t.same(remainsOf(process.pid), [])
    t.equal(await child.exited, 'SIGTERM')
    t.notOk(isAlive(child.pid ?? 0))
  })

  await t.test('also when a host could not be made', async t => {
    const lab = await Lab.open()
    await t.rejects(lab.host('host', { addresses: ['10.0.0.300/24'] }), { message: /10\.0\.0\.300/ })
    await lab.close()
    t.same(remainsOf(process.pid), [])
  })

  await t.test('also while hosts are being made', async t => {
    const lab = await Lab.open()
    const making = lab.host('host', { addresses: [] })
    await Promise.all([t.rejects(making), lab.close()])
    await t.rejects(lab.host('late', { addresses: [] }), { code: 'CLOSED' })
    t.same(remainsOf(process.pid), [])
  })
})

t.test('a process that ends without closing', { skip }, async t => {
  const script = `
    import { Lab } from ${JSON.stringify(built('cli/demo/lab/lab.js'))}
    const lab = await Lab.open()
    const host = await lab.host('host', { addresses: [] })
    process.on('SIGUSR2', () => { throw new Error('nobody catches this') })
    console.log(host.spawn(['sleep', '1000']).pid)
    setInterval(() => {}, 1000)
  `
  async function openElsewhere() {
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', script])
    const [line] = await once(holder.stdout, 'data')
    const child = Number(line)
    t.ok(isAlive(child))
    t.equal(remainsOf(holder.pid).length, 3)
    return { holder, child }
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR2'] as const) {
    await t.test(`leaves nothing behind on ${signal}`, async t => {
      const { holder, child } = await openElsewhere()
      holder.kill(signal)
      const [code, by] = await once(holder, 'exit')
      t.equal(by ?? code, signal === 'SIGUSR2' ? 1 : signal)
      t.same(remainsOf(holder.pid), [])
      await until(() => !isAlive(child))
    })
  }

  await t.test('leaves it to the next lab when it is killed; its programs die with it', async t => {
    const { holder, child } = await openElsewhere()
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await until(() => !isAlive(child))
    t.equal(remainsOf(holder.pid).length, 3)
    await using _lab = await Lab.open()
    t.same(remainsOf(holder.pid), [])
  })
})

t.test("the seed's web site", { skip }, async t => {
  await using lab = await Lab.open()
  const { client, clientAddresses, balancers, webServers } = await buildSeed(lab, {
    balancers: 2,
    clients: 3,
  })

  await t.test('is two web servers, each under its own address', async t => {
    t.same(clientAddresses, ['10.0.0.100', '10.0.0.101', '10.0.0.102'])
    for (const [address, name] of [
      ['10.0.0.71', 'websvr1'],
      ['10.0.0.72', 'websvr2'],
    ]) {
      const answers = await request(client, `http://${address}/`, { from: clientAddresses })
      t.same(
        answers,
        clientAddresses.map(from => ({ from, status: '200', text: name })),
      )
    }
  })

  await t.test('the web servers take what is sent to the VIP, when somebody sends it to them', async t => {
    const [websvr1] = webServers
    await client.ip(`neighbour replace 10.0.0.1 lladdr ${websvr1?.mac} dev enp0s8`)
    t.match(await request(client, 'http://10.0.0.1/', { from: ['10.0.0.100'] }), [{ text: 'websvr1' }])
    await client.ip('neighbour delete 10.0.0.1 dev enp0s8')
  })

  await t.test('nobody answers for the VIP until a balancer does', async t => {
    await client.run(['sysctl', '-qw', 'net.ipv4.neigh.enp0s8.retrans_time_ms=50'])
    t.match(await request(client, 'http://10.0.0.1/', { from: ['10.0.0.100'] }), [{ text: 'EHOSTUNREACH' }])
    for (const lb2 of balancers.slice(1)) {
      await lb2.ip('address add 10.0.0.1/24 dev enp0s8')
      await startWebServer(lb2)
    }
    t.match(await request(client, 'http://10.0.0.1/', { from: ['10.0.0.100'] }), [{ text: 'lb2' }])
  })
})
