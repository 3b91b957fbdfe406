/**
 * A host program that computes: `busy-host.ts FILE BPFFS`. Balances by that file. After SIGUSR2 its event loop stands
 * still for five seconds at a time, for a minute, and then it says `over`. Tells what it hears: `vrrp MASTER`,
 * `10.0.0.71:80 down: connection refused`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Balancer, loadConfig } from '../../../lib/index.js'

const STILL_MS = 5000
const TIMES = 12
/** Enough to take in what has come meanwhile, and to begin something new. */
const BREATH_MS = 100

const [file = '', bpffs = ''] = process.argv.slice(2)
const say = (line: string) => process.stdout.write(`${line}\n`)

await using balancer = await Balancer.start(await loadConfig(file), { bpffs })
balancer.on('vrrp', ({ state }) => say(`vrrp ${state}`))
balancer.on('real', ({ real, up, reason }) => say(`${real} ${up ? 'up' : `down: ${reason}`}`))

process.on('SIGUSR2', async () => {
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  for (let time = 0; time < TIMES; time++) {
    Atomics.wait(nothing, 0, 0, STILL_MS)
    await sleep(BREATH_MS)
  }
  say('over')
})
await new Promise(() => setInterval(() => {}, 2 ** 30))
