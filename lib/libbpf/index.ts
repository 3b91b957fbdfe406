export { type Btf, btfOfObject } from './btf.js'
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
export type { MapLayout } from './map-layout.js'
export type { MapType } from './map-type.js'
