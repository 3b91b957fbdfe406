/**
 * Starts a balancer, stops it if it could start, once for each question on the command line, and prints what came of
 * it. Ends by itself if nothing is left that keeps it: `failing-start.ts FILE '{"bpffs":"/sys/fs/bpf"}'…`
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { Balancer, type BalancerOptions, loadConfig } from '../../../lib/index.js'

interface Question extends BalancerOptions {
  /** With room for so many beside those that there are. */
  readonly descriptors?: number
  /** The program that further processes of Node are of. */
  readonly node?: string
}

const [file = '', ...questions] = process.argv.slice(2)
const most = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? ''
const config = await loadConfig(file)
for (const question of questions) console.log(JSON.stringify(await outcome(JSON.parse(question))))

async function outcome({ descriptors, node = process.execPath, ...options }: Question) {
  const before = open()
  if (descriptors !== undefined) limit(leavingRoomFor(descriptors))
  process.execPath = node
  let failure = ''
  try {
    await (await Balancer.start(config, options)).close()
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
  }
  if (descriptors !== undefined) limit(most)
  await turn() // Node.js closes some things a moment later
  return { failure, before, after: open() }
}

/** What is behind each open descriptor: `socket`, `anon_inode`, a path. */
function open(): string[] {
  const targets = readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).replace(/:\[\d+\]$/, '')
    } catch {
      return [] // that of the directory
    }
  })
  return targets.sort()
}

/** The limit under which so many numbers are free: those that are taken need not be in a row. */
function leavingRoomFor(descriptors: number): number {
  const taken = new Set(readdirSync('/proc/self/fd').filter(fd => existsSync(`/proc/self/fd/${fd}`)))
  let end = 0
  for (let free = 0; free < descriptors; end++) if (!taken.has(`${end}`)) free++
  return end
}

function limit(descriptors: number | string): void {
  execFileSync('prlimit', [`--pid=${process.pid}`, `--nofile=${descriptors}:`], { stdio: 'ignore' })
}
