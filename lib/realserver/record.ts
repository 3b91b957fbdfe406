import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Address } from '../address.js'
import { isAddress } from '../address.js'
import { XdplbError } from '../errors.js'
import { accessFile } from '../net/errno.js'
import type { ArpSetting } from './sysctl.js'
import { isArpSetting } from './sysctl.js'

/** What was changed on this host and what was there before, so that `down` undoes that and nothing else. */
export interface RealserverRecord {
  readonly vips: readonly RecordedVip[]
  readonly settings: readonly RecordedSetting[]
}

export interface RecordedVip {
  readonly address: Address
  /** False for one that was on `lo` before: it stays there. */
  readonly added: boolean
}

export interface RecordedSetting extends ArpSetting {
  readonly before: number
  readonly after: number
}

/** What an earlier `up` left; an empty record if there was none. Throws `CONFIG` when the file is something else. */
export function readRecord(path: string): RealserverRecord {
  const text = readIfThere(path)
  if (text === undefined) return { vips: [], settings: [] }
  const record = parse(text)
  if (isRecord(record)) return record
  const expected = 'expected what "realserver up" wrote; delete it to give up what it knows'
  throw new XdplbError('CONFIG', `read record: ${path}: something else, ${expected}`)
}

/** Writes all of it or nothing, for its owner alone. An empty record is no file. */
export function writeRecord(path: string, record: RealserverRecord): void {
  accessFile(`write record: ${path}`, () => write(path, record))
}

function write(path: string, record: RealserverRecord): void {
  if (record.vips.length === 0 && record.settings.length === 0) {
    rmSync(path, { force: true })
    return
  }
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, path)
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new XdplbError('PERMISSION', `read record: ${path}: cannot be read, expected root`, { cause })
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is RealserverRecord {
  return isObject(value) && isListOf(value.vips, isVip) && isListOf(value.settings, isSetting)
}

function isVip(value: unknown): value is RecordedVip {
  return (
    isObject(value) &&
    typeof value.address === 'string' &&
    isAddress(value.address) &&
    typeof value.added === 'boolean'
  )
}

function isSetting(value: unknown): value is RecordedSetting {
  return isObject(value) && isArpSetting(value) && isNumber(value.before) && isNumber(value.after)
}

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(is)
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}
