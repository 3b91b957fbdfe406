import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { built } from '../../cli/demo/lab/built.js'
import type { BenchmarkReport } from '../../lib/bench/benchmark.js'
import type { InterfaceReport } from '../../lib/bench/interface.js'
import { BpfObject, queryXdp } from '../../lib/libbpf/index.js'
import { inNamespace } from '../../lib/net/namespace.js'
import { Netlink } from '../../lib/net/netlink/netlink.js'
import { ip, makeNamespace, need, skip } from '../net/netns.js'
import { type Outcome, run, xdplb } from './xdplb.js'

/** Test runners have the programs that they start handle signals. */
const clean = ['-u', 'NODE_OPTIONS']

const short = ['--max-flows', '65536', '--packets', '16384', '--rounds', '1']

/** A network card `eth1`, at the end of whose cable somebody sends every frame back to where it came from. */
function makeCard(t: Test) {
  const [here, there] = [makeNamespace(t, 'card'), makeNamespace(t, 'peer')]
  ip(`-n ${here} link add eth1 type veth peer name eth1 netns ${there}`)
  for (const namespace of [here, there]) ip(`-n ${namespace} link set eth1 up`)
  const [card, peer] = [here, there].map(namespace =>
    inNamespace(namespace, () => {
      using netlink = Netlink.open()
      return need(netlink.link('eth1'))
    }),
  )
  const mirror = BpfObject.open(built('bpf/lab.bpf.o')).load()
  const link = inNamespace(there, () => mirror.program('floor_swap').attachXdp(need(peer).index))
  t.teardown(() => {
    link.close()
    mirror.close()
  })
  const bench = (...args: string[]): Promise<Outcome> =>
    run('nsenter', `--net=/run/netns/${here}`, process.execPath, built('cli/main.js'), 'bench', ...args)
  const program = () => inNamespace(here, () => queryXdp(need(card).index))
  return { bench, program, mac: need(peer?.mac) }
}

t.test('a card', { skip }, async t => {
  const { bench, program, mac } = makeCard(t)
  const eth1 = ['--interface', 'eth1', '--seconds', '0.2', '--flows', '1024']

  t.test('is flooded, and what came back is counted', async t => {
    const { code, stdout, stderr } = await bench(...eth1, '--peer', mac, '--yes', '--json')
    t.match({ code, stderr }, { code: 0, stderr: '' })
    const report: InterfaceReport = JSON.parse(stdout)
    const { made, sent, returned } = report.packets
    t.ok(made > 10_000, `${made} packets`)
    t.equal(returned, made, 'the cable loses nothing')
    t.ok(sent >= made)
    t.match(report, {
      interface: 'eth1',
      driver: 'veth',
      mode: 'native',
      peer: mac,
      flows: 1024,
      stations: 1,
    })
    t.match(report.machine, { kernel: /^\d/, cpu: /./, mitigations: {} })
    t.equal(program(), undefined, 'it has no program any more')
  })

  t.test('sends to itself unless it is told to whom', async t => {
    const { code, stdout } = await bench(...eth1, '--to', '[2001:db8::1]:53/udp', '--yes')
    t.equal(code, 0)
    t.match(
      stdout,
      /^eth1 \(veth, XDP native\) to [0-9a-f:]{17}\n\[2001:db8::1\]:53\/udp, 1,024 flows, 0.2 s$/m,
    )
    t.match(stdout, /^came back +[\d,.]+[kM]? /m)
  })

  t.test('is left alone when nobody says yes', async t => {
    const { code, stderr } = await bench(...eth1)
    t.match(
      { code, stderr },
      { code: 2, stderr: /^xdplb: bench: eth1: send packets as fast as it can, for 0.2 s/ },
    )
    t.match(stderr, /nobody to ask, expected yes, or --yes\n$/)
  })

  t.test('that is down, or is not there, is said', async t => {
    t.match(await bench('--interface', 'eth9', '--yes'), { code: 1, stderr: /: eth9: no such interface\n$/ })
    t.match(await bench('--interface', 'lo', '--yes'), { code: 1, stderr: /: lo: not Ethernet, expected/ })
  })
})

t.test('without a card it measures by itself', { skip }, async t => {
  const { code, stdout, stderr } = await xdplb('bench', ...short, '--json')
  t.match({ code, stderr }, { code: 0, stderr: '' })
  const report: BenchmarkReport = JSON.parse(stdout)
  t.match(report, {
    driver: 'veth',
    mode: 'native',
    extent: { maxFlows: 65_536, packets: 16_384, rounds: 1 },
  })
  t.match(
    report.packets.map(({ packet }) => packet),
    ['established, 1 flow', 'established, 1,024 flows'],
  )
  for (const { packet, floor, hits } of report.packets) t.ok(floor.min > 0 && hits > 0.99, packet)
  const cost = (name: string) => report.paths.find(({ path }) => path.startsWith(name))?.cpu.min ?? 0
  t.ok(cost('nothing') > 0)
  t.ok(cost('kernel forwarding') > cost('floor'), 'XDP is faster than the kernel, or this measures nothing')
})

t.test('Ctrl-C ends it at once, and nothing stays', { skip }, async t => {
  const child = spawn('env', [...clean, process.execPath, built('cli/main.js'), 'bench'], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  const pins = `/sys/fs/bpf/xdplb/bench-${child.pid}`
  const isUnderWay = () => descriptorsOf(child.pid).some(what => /bpf.link/.test(what)) && !existsSync(pins)
  while (!isUnderWay()) await sleep(20)
  child.kill('SIGINT')
  t.strictSame(await once(child, 'exit'), [null, 'SIGINT'])
  t.notOk(existsSync(pins))
})

/** What a process has open; some of it may be closed again at this moment. */
function descriptorsOf(pid: number | undefined): string[] {
  const directory = `/proc/${pid}/fd`
  return readdirSync(directory).flatMap(fd => {
    try {
      return [readlinkSync(join(directory, fd))]
    } catch {
      return []
    }
  })
}

t.test('options that do not go together are said', { skip }, async t => {
  const wrong: [args: string[], stderr: RegExp][] = [
    [['--peer', '02:00:00:00:00:1b'], /: --peer: only with --interface\n$/],
    [['--interface', 'eth1', '--max-flows', '65536'], /: --max-flows: not with --interface\n$/],
    [['--max-flows', '1000'], /: tables for 1000 flows, expected a power of two from 65536 to 4194304\n$/],
    [['--peer', 'eth2'], /'eth2' is invalid\. Not an Ethernet address/],
    [['--to', '10.0.0.1'], /'10\.0\.0\.1' is invalid\. Not a service like 10\.0\.0\.1:80\/tcp\./],
  ]
  const outcomes = await Promise.all(wrong.map(([args]) => xdplb('bench', ...args)))
  for (const [index, [args, stderr]] of wrong.entries())
    t.match(outcomes[index], { code: 2, stdout: '', stderr }, args.join(' '))
})
