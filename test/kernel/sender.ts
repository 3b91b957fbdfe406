import { Program } from '../../lib/libbpf/index.js'
import { buildFrame } from '../tools/packet.js'

// node sender.ts PIN CLIENT FLOWS: says `ready`, waits for a word, sends a SYN of each flow to the program, ends.

const [path = '', source = '', flows] = process.argv.slice(2)
const frame = buildFrame({ source })

process.once('message', () => {
  using program = Program.openPinned(path)
  for (let port = 0; port < Number(flows); port++) {
    frame.writeUInt16BE(port, 34)
    program.testRun({ data: frame })
  }
  process.disconnect()
})
process.send?.('ready')
