import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { socketPath } from '../../lib/control/socket-path.js'
import { XdplbError } from '../../lib/errors.js'
import { paintFor } from '../terminal.js'
import { configuration } from './configuration.js'
import { Lab } from './lab/lab.js'
import { buildSeed } from './lab/seed.js'
import { Script } from './script.js'
import { Stage } from './stage.js'

const picture = `
  client ──┐                  10.0.0.100 to 10.0.0.109
           ├── switch ──┬── lb1      10.0.0.11   owns 10.0.0.1
                        ├── websvr1  10.0.0.71   ┐ both have 10.0.0.1 on lo,
                        └── websvr2  10.0.0.72   ┘ and do not answer ARP for it
`

const help = `
Needs root. Everything happens in network namespaces of its own, on one machine, and is gone afterwards, also after
Ctrl-C. The exit code is 0 if everything that is to be seen was seen.

Example:
  # xdplb demo
`

/** `xdplb demo`: one balancer, two web servers, ten clients. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('show it working, in a network of namespaces on this machine')
    .addHelpText('after', help)
    .action(async () => {
      if (!(await demonstrate())) process.exitCode = 1
    })
}

async function demonstrate(): Promise<boolean> {
  if (process.getuid?.() !== 0) {
    throw new XdplbError(
      'PERMISSION',
      'demo: makes network namespaces, which only root may: run it with sudo',
    )
  }
  const stage = new Stage(process.stdout, paintFor(process.stdout))
  stage.heading('a network of five hosts, in namespaces')
  await using lab = await Lab.open()
  const seed = await stage.doing('building it', () => buildSeed(lab))
  stage.say(picture)
  const [balancer] = seed.balancers
  if (balancer === undefined) throw new XdplbError('USAGE', 'demo: a lab without a balancer, expected one')

  const file = join(lab.directory, 'keepalived.conf')
  const places = ['--run-dir', join(lab.directory, 'run'), '--bpffs', join(lab.directory, 'bpf')]
  writeFileSync(file, configuration)
  mkdirSync(join(lab.directory, 'bpf'))
  const start = async () => {
    const daemon = balancer.node('cli/main.js', 'run', '-f', file, '--log-format', 'json', ...places)
    await daemon.printed(/Entering MASTER STATE/)
    return daemon
  }
  stage.heading('lb1: xdplb run -f keepalived.conf')
  const first = await stage.doing('starting it', start)
  stage.show('it is master', true, 'after three adverts that nobody sent')

  const script = new Script(stage, seed, balancer)
  await script.balancing()
  await script.directReturn()
  const second = await script.restart(first, start)
  await script.counters(socketPath({ runDir: join(lab.directory, 'run'), name: 'xdplb' }))
  await script.stop(second)
  stage.summary()
  return stage.isWell
}
