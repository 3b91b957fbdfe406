/** Watches over the targets that its argument has as JSON, and prints what it says of them, a line each. */
import { HealthEngine } from '../../../lib/health/engine.js'

const engine = new HealthEngine(JSON.parse(process.argv[2] ?? '[]'))
const print = (text: string) => process.stdout.write(`${text}\n`)
engine.on('log', ({ text }) => print(text))
engine.on('real', ({ reason }) => print(reason))
engine.start()
