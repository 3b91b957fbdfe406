import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { compile } from '../../bpf/compile.js'
import { be16, be32, type Codec, u32, u64, writeZeros } from '../../lib/libbpf/codec.js'
import type { LoadedObject } from '../../lib/libbpf/index.js'
import { BpfObject } from '../../lib/libbpf/index.js'

/** For tap's `skip`: the reason, when this process may not load programs. */
export const skip = process.getuid?.() === 0 ? false : 'needs root, or CAP_BPF and CAP_NET_ADMIN'

export const fixtures = new URL('fixtures/', import.meta.url).pathname

/** A directory that is gone when the test is over. */
export function makeDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'xdplb-libbpf-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return directory
}

/** A BPF file system that is gone when the test is over. */
export function makeBpffs(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'xdplb-bpffs-'))
  execFileSync('mount', ['-t', 'bpf', 'bpf', directory])
  t.teardown(() => {
    execFileSync('umount', [directory])
    rmSync(directory, { recursive: true })
  })
  return directory
}

let kinds: Buffer | undefined

/** fixtures/kinds.bpf.c, compiled once a process. */
export function kindsObject(): Buffer {
  if (kinds === undefined) {
    const directory = mkdtempSync(join(tmpdir(), 'xdplb-libbpf-'))
    const object = join(directory, 'kinds.bpf.o')
    compile(fixtures, 'kinds.bpf.c', object)
    kinds = readFileSync(object)
    rmSync(directory, { recursive: true })
  }
  return kinds
}

export function openKinds(): BpfObject {
  return BpfObject.open(kindsObject(), { name: 'kinds' })
}

/** fixtures/kinds.bpf.c in the kernel; closed when the test is over. */
export function loadKinds(t: Test): LoadedObject {
  const loaded = openKinds().load()
  t.teardown(() => loaded.close())
  return loaded
}

/** `struct address_key` and `struct counter`, as the generator would write them. */
export interface AddressKey {
  address: number
  port: number
}

export interface Counter {
  packets: bigint
  lastSize: number
}

export const addressKey: Codec<AddressKey> = {
  size: 8,
  read: (view, at) => ({ address: be32.read(view, at), port: be16.read(view, at + 4) }),
  write: (view, at, value) => {
    be32.write(view, at, value.address)
    be16.write(view, at + 4, value.port)
    writeZeros(view, at + 6, 2)
  },
}

export const counter: Codec<Counter> = {
  size: 16,
  read: (view, at) => ({ packets: u64.read(view, at), lastSize: u32.read(view, at + 8) }),
  write: (view, at, value) => {
    u64.write(view, at, value.packets)
    u32.write(view, at + 8, value.lastSize)
    writeZeros(view, at + 12, 4)
  },
}

/** A packet that is as long as any program here wants. */
export const packet = new Uint8Array(64)

export const sorted = <K, V>(entries: Iterable<[K, V]>, by: (key: K) => number): [K, V][] =>
  [...entries].sort(([a], [b]) => by(a) - by(b))
