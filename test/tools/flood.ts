import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from '../../bpf/compile.js'
import { BpfObject, type LoadedObject, type MappedArray, type Program, u32 } from '../../lib/libbpf/index.js'

const sources = new URL('.', import.meta.url).pathname

/** `struct flood` of strangers.bpf.c: the frame, and behind it, in words of 32 bits, the next client. */
const FRAME = 54
export const CLIENT_AT = 14

/** A way to send a TCP frame very often to a program, each time from a client that never came before. */
export class Flood implements Disposable {
  readonly #object: LoadedObject
  readonly #flood: MappedArray
  readonly #frame: Buffer

  /** @param frame as {@link buildFrame} makes one; its source address will be any */
  constructor(program: Program, frame: Buffer) {
    using object = BpfObject.open(compiled(), { name: 'strangers' })
    this.#object = object.load()
    this.aimAt(program)
    this.#flood = this.#object.map('floods').mapped()
    this.#flood.bytes.set(frame.subarray(0, FRAME))
    this.#frame = frame
  }

  /** From its next packet on, all go to another program. */
  aimAt(program: Program): void {
    this.#object.map('flooded').typed({ key: u32, value: u32 }).update(0, program.fd)
  }

  /** What another thread of this process can send by: see {@link SteadyFlood}. */
  get descriptors(): { program: number; clients: number; frame: Buffer } {
    const { fd: program } = this.#object.program('strangers')
    return { program, clients: this.#object.map('floods').fd, frame: this.#frame }
  }

  /** @param from the number of the first client; as many more as there are packets */
  send(packets: number, from = this.#flood.u32[CLIENT_AT] ?? 0): void {
    this.#flood.u32[CLIENT_AT] = from
    this.#object.program('strangers').testRun({ data: this.#frame, repeat: packets })
  }

  close(): void {
    this.#flood.close()
    this.#object.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function compiled(): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'xdplb-flood-'))
  try {
    const object = join(directory, 'strangers.bpf.o')
    compile(sources, 'strangers.bpf.c', object)
    return readFileSync(object)
  } finally {
    rmSync(directory, { recursive: true })
  }
}
