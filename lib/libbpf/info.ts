import { libbpf } from './native.js'
import { libbpfOk } from './status.js'

// What the kernel tells of an object behind a descriptor: struct bpf_map_info, bpf_prog_info and bpf_link_info in
// include/uapi/linux/bpf.h. The first fields never move; kernels that know more write no more than they are given.

export interface MapInfo {
  type: number
  id: number
  keySize: number
  valueSize: number
  maxEntries: number
  flags: number
  /** Cut to 15 characters. */
  name: string
}

export interface ProgramInfo {
  type: number
  id: number
  /** Says that two programs are of the same instructions: 16 hexadecimal digits. */
  tag: string
  /** Cut to 15 characters. */
  name: string
}

export interface LinkInfo {
  type: number
  id: number
  programId: number
  /** Of an XDP link; 0 when its interface is gone. */
  ifindex: number
}

export function mapInfo(fd: number): MapInfo {
  const info = read(fd, 40, 'map')
  return {
    type: info.readUInt32LE(0),
    id: info.readUInt32LE(4),
    keySize: info.readUInt32LE(8),
    valueSize: info.readUInt32LE(12),
    maxEntries: info.readUInt32LE(16),
    flags: info.readUInt32LE(20),
    name: nameAt(info, 24),
  }
}

export function programInfo(fd: number): ProgramInfo {
  const info = read(fd, 80, 'program')
  return {
    type: info.readUInt32LE(0),
    id: info.readUInt32LE(4),
    tag: info.toString('hex', 8, 16),
    name: nameAt(info, 64),
  }
}

export function linkInfo(fd: number): LinkInfo {
  const info = read(fd, 32, 'link')
  return {
    type: info.readUInt32LE(0),
    id: info.readUInt32LE(4),
    programId: info.readUInt32LE(8),
    ifindex: info.readUInt32LE(16),
  }
}

function read(fd: number, size: number, what: string): Buffer {
  const info = Buffer.alloc(size)
  libbpfOk(libbpf().info(fd, info, Uint32Array.of(size)), `read ${what} info`)
  return info
}

function nameAt(info: Buffer, at: number): string {
  const name = info.subarray(at, at + 16)
  return name.toString('latin1', 0, name.indexOf(0))
}
