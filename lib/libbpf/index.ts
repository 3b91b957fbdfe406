export type { AttachMode, AttachOptions } from './attach.js'
export { type Btf, type BtfMember, type BtfType, btfOfObject, parseBtf } from './btf.js'
export {
  be16,
  be32,
  bool,
  bytes,
  type Codec,
  decode,
  encode,
  i8,
  i16,
  i32,
  i64,
  list,
  named,
  nameOf,
  u8,
  u16,
  u32,
  u64,
  writeZeros,
} from './codec.js'
export { possibleCpus } from './cpus.js'
export type { LinkInfo } from './info.js'
export { Link } from './link.js'
export type { LoadedObject } from './loaded-object.js'
export { BpfMap, type UpdateMode } from './map.js'
export type { ArrayLayout, MapLayout } from './map-layout.js'
export type { MapType } from './map-type.js'
export type { MappedArray } from './mapped-array.js'
export { BpfObject } from './object.js'
export { unpin } from './pin.js'
export { hasMapType, hasXdpFrags } from './probe.js'
export { Program } from './program.js'
export { RingBuffer, type RingBufferOptions } from './ring-buffer.js'
export type { TestRun, TestRunResult } from './test-run.js'
export type { TypedMap } from './typed-map.js'
export { encodeXdpContext, queryXdp, type XdpContext, type XdpMode, type XdpStatus } from './xdp.js'
