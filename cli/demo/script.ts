import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../../lib/address.js'
import type { Child } from './lab/child.js'
import { type Answer, request, startWebServer } from './lab/http.js'
import { type Seed, vip } from './lab/seed.js'
import type { Node } from './node.js'
import type { Stage } from './stage.js'

const URL = `http://${vip}/`
const REQUESTS_OF_ONE = 6
const ASK_EVERY_MS = 20
/** From the first word of a new master on, whatever the change has lost is over. */
const SETTLING_MS = 500
const TCP = 6

/** What the protocol allows for a takeover by priority 100: 3 adverts and the skew, RFC 3768 §6.1; or the skew alone. */
const MASTER_DOWN_MS = 3000 + (156 / 256) * 1000
const SKEW_MS = (156 / 256) * 1000

/** What is shown, in order. Each part leaves the pair as it found it. */
export class Script {
  readonly #stage: Stage
  readonly #seed: Seed
  readonly #master: Node
  readonly #backup: Node

  constructor(stage: Stage, seed: Seed, master: Node, backup: Node) {
    this.#stage = stage
    this.#seed = seed
    this.#master = master
    this.#backup = backup
  }

  /** The higher priority is elected. */
  async election(): Promise<void> {
    this.#stage.heading('two balancers: xdplb run -f keepalived.conf')
    await this.#stage.doing('electing', () => this.#master.start('MASTER'))
    await this.#stage.doing('joining', () => this.#backup.start('BACKUP'))
    const [first, second] = await Promise.all([this.#master.status(), this.#backup.status()])
    this.#stage.show('lb1 is master, with priority 200', first.vrrp[0]?.state === 'MASTER')
    this.#stage.show('lb2 is backup, with priority 100', second.vrrp[0]?.state === 'BACKUP')
  }

  /** Clients take turns, and each stays where it was. */
  async balancing(): Promise<void> {
    const { clientAddresses } = this.#seed
    this.#stage.heading(`${clientAddresses.length} clients, one request each`)
    const first = await this.#ask(clientAddresses)
    for (const { from, text } of first) this.#stage.say(`    ${from} → ${text}`)
    this.#stage.show('all are answered', first.every(isAnswered))
    this.#stage.show('the two web servers take turns', isAlternating(first), turns(first))

    this.#stage.heading('the same client again and again')
    const again = await this.#ask(clientAddresses.slice(0, 1), REQUESTS_OF_ONE)
    const server = first[0]?.text ?? ''
    const sticks = again.every(answer => isAnswered(answer) && answer.text === server)
    this.#stage.show(`it stays with ${server}`, sticks, `${REQUESTS_OF_ONE} requests`)
  }

  /** Requests cross the balancer, answers do not. */
  async directReturn(): Promise<void> {
    this.#stage.heading('the way of the packets')
    using capture = this.#master.host.capture()
    const answers = await this.#ask(this.#seed.clientAddresses)
    const packets = capture.frames.flatMap(frame => (frame.ip?.protocol === TCP ? [frame.ip] : []))
    const requests = packets.filter(({ destination }) => destination === vip).length
    const replies = packets.filter(({ source }) => source === vip).length
    this.#stage.show(
      'requests cross the balancer',
      requests > 0 && answers.every(isAnswered),
      `${requests} packets`,
    )
    this.#stage.show('answers do not: they go straight to the clients', replies === 0, `${replies} packets`)
  }

  /** A web server fails, and is back. */
  async health(): Promise<void> {
    this.#stage.heading('a web server is killed (checked every 2 seconds)')
    const [host] = this.#seed.webServers
    const [server] = this.#seed.httpServers
    if (host === undefined || server === undefined) return
    const started = performance.now()
    await server.stop(0)
    await this.#stage.doing('checking', () => this.#master.said(/Removing service \[10\.0\.0\.71\]:tcp:80/))
    const seconds = (performance.now() - started) / 1000
    // or it might be back before the other balancer has looked
    await this.#stage.doing('checking', () => this.#backup.said(/Removing service \[10\.0\.0\.71\]:tcp:80/))
    this.#stage.show(`${host.name} leaves the rotation`, true, `after ${seconds.toFixed(1)} s`)
    const without = await this.#ask(this.#seed.clientAddresses)
    this.#stage.show(
      'every client is answered by the other one',
      without.every(({ text }) => text === 'websvr2'),
      turns(without),
    )
    await startWebServer(host)
    await this.#stage.doing('checking', () => this.#master.said(/Adding service \[10\.0\.0\.71\]:tcp:80/))
    this.#stage.show(`${host.name} is back, and so it is in the rotation`, true)
  }

  /** The master dies, the backup takes over, the old master comes back. */
  async failover(): Promise<void> {
    this.#stage.heading('the master is killed (kill -9)')
    const address = this.#seed.clientAddresses[0] ?? ''
    const steady = this.#seed.client.node(
      'cli/demo/lab/programs/steady-client.js',
      URL,
      `${ASK_EVERY_MS}`,
      address,
    )
    await steady.printed(/\d+ websvr/)
    await this.#master.kill()
    await this.#stage.doing('waiting for lb2', () => this.#backup.said(/Entering MASTER STATE/))
    const settled = Date.now() + SETTLING_MS
    await this.#stage.doing('asking', () => answeredAfter(steady, settled))
    const gap = longestGap(answerTimes(steady))
    const allowed = `the protocol allows ${SKEW_MS.toFixed(0)} ms when its process says farewell, ${MASTER_DOWN_MS.toFixed(0)} ms when nothing does`
    this.#stage.show('lb2 answers', gap < MASTER_DOWN_MS + 200, `longest gap ${gap} ms; ${allowed}`)

    this.#stage.heading('the old master is back')
    await this.#stage.doing('starting it', () => this.#master.start('MASTER'))
    await this.#stage.doing('waiting for lb2', () =>
      this.#backup.said(/MASTER STATE[\s\S]*Entering BACKUP STATE/),
    )
    const answers = await this.#ask(this.#seed.clientAddresses)
    this.#stage.show('it takes the address again, and lb2 yields', answers.every(isAnswered), turns(answers))
    await steady.stop()
  }

  /** What was written to the administrator. */
  async mail(): Promise<void> {
    this.#stage.heading('mail to root@mydomain.com')
    await this.#stage.doing('waiting for it', () => this.#backup.mail.printed(/UP$/m))
    const subjects = `${this.#master.mail.stdout}${this.#backup.mail.stdout}`.match(/^\[.*$/gm) ?? []
    for (const subject of subjects) this.#stage.say(`    ${subject}`)
    const tellsBoth = ['DOWN', 'UP'].every(end => subjects.some(subject => subject.endsWith(end)))
    this.#stage.show('it tells of the web server that failed, and that it is back', tellsBoth)
  }

  /** A stop leaves the hosts as they were. */
  async stop(): Promise<void> {
    this.#stage.heading('both are stopped (SIGTERM)')
    for (const node of [this.#backup, this.#master]) {
      const { name, interface: device } = node.host
      const end = await node.stop()
      const state = await node.host.run(['ip', '-details', 'address', 'show', 'dev', device])
      const isClean = !state.includes(`inet ${vip}/`) && !/prog\/xdp/.test(state)
      this.#stage.show(
        `${name} ends well, and leaves no address and no program behind`,
        end === 'exit 0' && isClean,
      )
    }
  }

  #ask(from: readonly Address[], times = 1): Promise<Answer[]> {
    return this.#stage.doing('asking', () => request(this.#seed.client, URL, { from, times }))
  }
}

function isAnswered({ status }: Answer): boolean {
  return status === '200'
}

function isAlternating(answers: readonly Answer[]): boolean {
  return answers.every((answer, i) => i === 0 || answer.text !== answers[i - 1]?.text)
}

function turns(answers: readonly Answer[]): string {
  const counts = new Map<string, number>()
  for (const { text } of answers) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].map(([server, count]) => `${server} ${count}`).join(', ')
}

/** When the steady client was answered, in milliseconds since the epoch. */
function answerTimes(steady: Child): number[] {
  return Array.from(steady.stdout.matchAll(/^(\d+) /gm), ([, time]) => Number(time))
}

async function answeredAfter(steady: Child, moment: number): Promise<void> {
  while (!answerTimes(steady).some(time => time > moment)) await sleep(ASK_EVERY_MS)
}

function longestGap(times: readonly number[]): number {
  return times.reduce((longest, time, i) => Math.max(longest, time - (times[i - 1] ?? time)), 0)
}
