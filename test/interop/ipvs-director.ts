import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Capture } from '../../cli/demo/lab/capture.js'
import type { Child } from '../../cli/demo/lab/child.js'
import type { Lab } from '../../cli/demo/lab/lab.js'
import { FrameSocket } from '../../lib/net/frame-socket.js'
import { macBytes } from '../../lib/net/mac.js'
import { lastByteOf } from '../tools/hops.js'
import { balancerMac, clientMac, type Frame, frameBytes } from '../tools/packet.js'

const tool = new URL('../tools/ipvs-node', import.meta.url).pathname
const guestScript = new URL('ipvs-guest.sh', import.meta.url).pathname

const TAP = 'tap0'
const POLL_MS = 2
/** Frames on their way at a time: fewer than the guest's card has room for. */
const FRAMES_AT_ONCE = 32

/**
 * Real IPVS: a director in a kernel of its own, on a cable whose other end is here. The real servers are just MAC
 * addresses on that cable, those of `realMac()`.
 */
export class IpvsDirector implements AsyncDisposable {
  readonly #node: Child
  readonly #directory: string
  readonly #ifindex: number
  readonly #socket: FrameSocket
  readonly #capture: Capture
  #hasEnded = false
  #commands = 0
  #seen = 0

  static async start(lab: Lab): Promise<IpvsDirector> {
    await lab.switch.run(['ip', 'tuntap', 'add', TAP, 'mode', 'tap'])
    await lab.switch.ip(`link set ${TAP} up`)
    const director = new IpvsDirector(lab)
    await director.run('ipvsadm -C')
    return director
  }

  private constructor(lab: Lab) {
    this.#directory = join(lab.directory, 'commands')
    mkdirSync(this.#directory)
    this.#ifindex = lab.switch.ifindex(TAP)
    this.#socket = lab.switch.enter(() => FrameSocket.open())
    this.#capture = lab.switch.enter(() => new Capture(this.#ifindex))
    const guest = ['bash', guestScript, this.#directory, balancerMac]
    this.#node = lab.switch.spawn(['bash', tool, lab.switch.namespace, TAP, ...guest])
    this.#node.exited.then(
      () => {
        this.#hasEnded = true
      },
      () => {},
    )
  }

  /** Runs commands of a shell on the director. @returns what they print; throws with that when the last one fails */
  async run(commands: string): Promise<string> {
    const file = join(this.#directory, `${this.#commands++}`)
    writeFileSync(`${file}.new`, `set -e\n${commands}\n`)
    renameSync(`${file}.new`, file)
    await this.#until(() => existsSync(`${file}.status`) && readFileSync(`${file}.status`, 'utf8') !== '')
    const output = readFileSync(`${file}.out`, 'utf8')
    if (readFileSync(`${file}.status`, 'utf8') !== '0\n') throw new Error(`${commands}\n${output}`)
    return output
  }

  /** Sends frames, one after the other. @returns the last byte of the real that each one went on to, if it did */
  async send(frames: readonly (Frame | Uint8Array)[]): Promise<(number | undefined)[]> {
    const reals: (number | undefined)[] = []
    for (let first = 0; first < frames.length; first += FRAMES_AT_ONCE)
      reals.push(...(await this.#sendFew(frames.slice(first, first + FRAMES_AT_ONCE))))
    return reals
  }

  async close(): Promise<void> {
    rmSync(this.#directory, { recursive: true })
    await this.#node.exited
    this.#capture.close()
    this.#socket.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #sendFew(frames: readonly (Frame | Uint8Array)[]): Promise<(number | undefined)[]> {
    const reals = Array<number | undefined>(frames.length).fill(undefined)
    const forwarded = () => {
      const fresh = this.#capture.frames.slice(this.#seen)
      this.#seen += fresh.length
      for (const { bytes } of fresh) {
        const real = lastByteOf(bytes)
        if (real !== undefined) reals[numberOf(bytes)] = real
      }
      return fresh.some(({ bytes }) => isArpReply(bytes))
    }
    for (const [id, frame] of frames.entries()) this.#socket.send(this.#ifindex, numbered(frame, id))
    this.#socket.send(this.#ifindex, arpRequest) // the director deals with one after the other: the answer comes last
    await this.#until(forwarded)
    return reals
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#hasEnded) throw new Error(`the director has ended: ${this.#node.stdout}${this.#node.stderr}`)
      await sleep(POLL_MS)
    }
  }
}

const ETHERTYPE_AT = 12
const ETHERTYPE_IPV6 = 0x86dd
/** Of frames without tags: the identification of IPv4 (RFC 791), the low half of IPv6's flow label (RFC 8200). */
const NUMBER_AT = { ipv4: 18, ipv6: 16 }

/** The frame with a number that it keeps on its way; one of IPv4 gets it when it is built, for its checksum. */
function numbered(frame: Frame | Uint8Array, number: number): Buffer {
  const bytes = frameBytes(frame instanceof Uint8Array ? frame : { ...frame, id: number })
  if (isIpv6(bytes)) bytes.writeUInt16BE(number, NUMBER_AT.ipv6)
  return bytes
}

function numberOf(frame: Buffer): number {
  return frame.readUInt16BE(isIpv6(frame) ? NUMBER_AT.ipv6 : NUMBER_AT.ipv4)
}

function isIpv6(frame: Buffer): boolean {
  return frame.readUInt16BE(ETHERTYPE_AT) === ETHERTYPE_IPV6
}

// RFC 826
const arpRequest = Buffer.concat([
  macBytes(balancerMac),
  macBytes(clientMac),
  Buffer.from('08060001080006040001', 'hex'),
  macBytes(clientMac),
  Buffer.of(10, 0, 0, 100),
  Buffer.alloc(6),
  Buffer.of(10, 0, 0, 11),
])

function isArpReply(frame: Buffer): boolean {
  return frame.readUInt16BE(12) === 0x0806 && frame.readUInt16BE(20) === 2
}
