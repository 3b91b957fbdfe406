import { XdplbError } from '../../lib/errors.js'
import { paintFor } from '../terminal.js'
import { configurationOf } from './configuration.js'
import { Lab } from './lab/lab.js'
import { buildSeed } from './lab/seed.js'
import { Node } from './node.js'
import { Script } from './script.js'
import { Stage } from './stage.js'

const picture = `
  client ──┐                  10.0.0.100 to 10.0.0.109
           ├── switch ──┬── lb1      10.0.0.11   MASTER prio 200   owns 10.0.0.1 while master
                        ├── lb2      10.0.0.12   BACKUP prio 100
                        ├── websvr1  10.0.0.71   ┐ both have 10.0.0.1 on lo,
                        └── websvr2  10.0.0.72   ┘ and do not answer ARP for it
`

/** What `xdplb demo` does. @returns whether everything was seen */
export async function demonstrate(keep: boolean): Promise<boolean> {
  if (process.getuid?.() !== 0) {
    throw new XdplbError(
      'PERMISSION',
      'demo: makes network namespaces, which only root may: run it with sudo',
    )
  }
  const stage = new Stage(process.stdout, paintFor(process.stdout))
  stage.heading('a network of six hosts, in namespaces')
  await using lab = await Lab.open()
  const seed = await stage.doing('building it', () => buildSeed(lab, { balancers: 2 }))
  stage.say(picture)
  const [lb1, lb2] = seed.balancers
  if (lb1 === undefined || lb2 === undefined)
    throw new XdplbError('USAGE', 'demo: no pair in the lab, expected one')
  const master = new Node(lab, lb1, configurationOf(1))
  const backup = new Node(lab, lb2, configurationOf(2))

  const script = new Script(stage, seed, master, backup)
  await script.election()
  await script.balancing()
  await script.directReturn()
  await script.health()
  await script.failover()
  await script.mail()
  if (keep) await standStill(stage, master, seed.client.namespace)
  await script.stop()
  stage.summary()
  return stage.isWell
}

/** Until Ctrl-C, which ends the lab as it ends everything. */
async function standStill(stage: Stage, { host, places }: Node, client: string): Promise<never> {
  stage.heading('it stands until Ctrl-C; in another shell:')
  for (const line of [
    `ip netns exec ${client} curl http://10.0.0.1/`,
    `xdplb status ${places.slice(0, 2).join(' ')}`,
    `ip netns exec ${host.namespace} ip address show ${host.interface}`,
  ]) {
    stage.say(`    ${line}`)
  }
  return new Promise(() => setInterval(() => {}, 2 ** 30))
}
