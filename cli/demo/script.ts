import type { Address } from '../../lib/address.js'
import { ControlClient } from '../../lib/control/client.js'
import type { Child } from './lab/child.js'
import type { Host } from './lab/host.js'
import { type Answer, request } from './lab/http.js'
import { type Seed, vip } from './lab/seed.js'
import type { Stage } from './stage.js'

const URL = `http://${vip}/`
const REQUESTS_OF_ONE = 6

/** What is shown, in order. Each part leaves the balancing as it found it. */
export class Script {
  readonly #stage: Stage
  readonly #seed: Seed
  readonly #balancer: Host

  constructor(stage: Stage, seed: Seed, balancer: Host) {
    this.#stage = stage
    this.#seed = seed
    this.#balancer = balancer
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
    using capture = this.#balancer.capture()
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

  /**
   * The process is killed, and packets go on; its successor takes over what is in the kernel.
   *
   * @param start starts the daemon
   * @returns the successor
   */
  async restart(daemon: Child, start: () => Promise<Child>): Promise<Child> {
    this.#stage.heading('the daemon is killed (kill -9), and started again')
    const before = await this.#ask(this.#seed.clientAddresses)
    daemon.signal('SIGKILL')
    await daemon.exited
    const without = await this.#ask(this.#seed.clientAddresses)
    this.#stage.show('without it the kernel balances on', isSame(before, without), turns(without))
    const next = await this.#stage.doing('starting the next one', start)
    const after = await this.#ask(this.#seed.clientAddresses)
    this.#stage.show(
      'the next one takes over, and every client stays where it was',
      isSame(before, after),
      turns(after),
    )
    return next
  }

  /** What the daemon says of itself. */
  async counters(socket: string): Promise<void> {
    const { services, verdicts } = await new ControlClient(socket).status()
    this.#stage.heading('what xdplb status says')
    for (const { service, scheduler, reals } of services) {
      this.#stage.say(`    ${service} ${scheduler}`)
      for (const { real, state, traffic } of reals) {
        this.#stage.say(
          `      ${real} ${state}  ${traffic.connections} connections, ${traffic.packets} packets`,
        )
      }
    }
    this.#stage.show(
      'every packet is counted',
      (verdicts.tx ?? 0) > 0,
      `${verdicts.tx} sent to web servers by XDP`,
    )
  }

  /** A stop leaves the host as it was. */
  async stop(daemon: Child): Promise<void> {
    this.#stage.heading('the daemon is stopped (SIGTERM)')
    await daemon.stop()
    const state = await this.#balancer.run([
      'ip',
      '-details',
      'address',
      'show',
      'dev',
      this.#balancer.interface,
    ])
    this.#stage.show('it ends well', (await daemon.exited) === 'exit 0')
    this.#stage.show('the address is gone', !state.includes(`inet ${vip}/`))
    this.#stage.show('nothing is attached any more', !/prog\/xdp/.test(state))
  }

  #ask(from: readonly Address[], times = 1): Promise<Answer[]> {
    return this.#stage.doing('asking', () => request(this.#seed.client, URL, { from, times }))
  }
}

const TCP = 6

function isAnswered({ status }: Answer): boolean {
  return status === '200'
}

function isAlternating(answers: readonly Answer[]): boolean {
  return answers.every((answer, i) => i === 0 || answer.text !== answers[i - 1]?.text)
}

function isSame(before: readonly Answer[], after: readonly Answer[]): boolean {
  return after.every((answer, i) => isAnswered(answer) && answer.text === before[i]?.text)
}

function turns(answers: readonly Answer[]): string {
  const counts = new Map<string, number>()
  for (const { text } of answers) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].map(([server, count]) => `${server} ${count}`).join(', ')
}
