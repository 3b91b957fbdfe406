import { Program } from '../../lib/libbpf/index.js'
import { Flood } from './flood.js'
import { buildFrame } from './packet.js'

// node sender.ts PIN FIRST FLOWS: says `ready`, waits for a word, sends the SYNs of so many clients, ends.

const [path = '', first, flows] = process.argv.slice(2)
using program = Program.openPinned(path)
const flood = new Flood(program, buildFrame())

process.once('message', () => {
  flood.send(Number(flows), Number(first))
  process.disconnect()
})
process.send?.('ready')
