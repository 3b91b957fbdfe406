import { XdplbError } from '../errors.js'

/**
 * How a value stands in a map's bytes. The size is fixed, integers are little-endian unless their type says
 * otherwise (`__be16`), and padding is written as zero: keys of hash maps are compared byte by byte.
 */
export interface Codec<T> {
  /** In bytes. */
  readonly size: number
  read(view: DataView, at: number): T
  /** Throws `USAGE` for a value that does not fit; what stands before the one at fault is written by then. */
  write(view: DataView, at: number, value: T): void
}

/** The value that these bytes hold: a record of a ring buffer, for one. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  if (bytes.length < codec.size) {
    throw new XdplbError('USAGE', `decode: ${bytes.length} bytes, expected ${codec.size}`)
  }
  return codec.read(new DataView(bytes.buffer, bytes.byteOffset, codec.size), 0)
}

/** The bytes of one value: a global variable, for one. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const view = new DataView(new ArrayBuffer(codec.size))
  codec.write(view, 0, value)
  return new Uint8Array(view.buffer)
}

export const u8: Codec<number> = {
  size: 1,
  read: (view, at) => view.getUint8(at),
  write: (view, at, value) => view.setUint8(at, within(value, 0, 0xff)),
}

export const u16: Codec<number> = {
  size: 2,
  read: (view, at) => view.getUint16(at, true),
  write: (view, at, value) => view.setUint16(at, within(value, 0, 0xffff), true),
}

export const u32: Codec<number> = {
  size: 4,
  read: (view, at) => view.getUint32(at, true),
  write: (view, at, value) => view.setUint32(at, within(value, 0, 0xffff_ffff), true),
}

export const u64: Codec<bigint> = {
  size: 8,
  read: (view, at) => view.getBigUint64(at, true),
  write: (view, at, value) => view.setBigUint64(at, within(value, 0n, 0xffff_ffff_ffff_ffffn), true),
}

export const i8: Codec<number> = {
  size: 1,
  read: (view, at) => view.getInt8(at),
  write: (view, at, value) => view.setInt8(at, within(value, -0x80, 0x7f)),
}

export const i16: Codec<number> = {
  size: 2,
  read: (view, at) => view.getInt16(at, true),
  write: (view, at, value) => view.setInt16(at, within(value, -0x8000, 0x7fff), true),
}

export const i32: Codec<number> = {
  size: 4,
  read: (view, at) => view.getInt32(at, true),
  write: (view, at, value) => view.setInt32(at, within(value, -0x8000_0000, 0x7fff_ffff), true),
}

export const i64: Codec<bigint> = {
  size: 8,
  read: (view, at) => view.getBigInt64(at, true),
  write: (view, at, value) => view.setBigInt64(at, within(value, -(2n ** 63n), 2n ** 63n - 1n), true),
}

/** `__be16`: a port as it stands in a packet. */
export const be16: Codec<number> = {
  size: 2,
  read: (view, at) => view.getUint16(at),
  write: (view, at, value) => view.setUint16(at, within(value, 0, 0xffff)),
}

/** `__be32`: an IPv4 address as it stands in a packet. */
export const be32: Codec<number> = {
  size: 4,
  read: (view, at) => view.getUint32(at),
  write: (view, at, value) => view.setUint32(at, within(value, 0, 0xffff_ffff)),
}

export const bool: Codec<boolean> = {
  size: 1,
  read: (view, at) => view.getUint8(at) !== 0,
  write: (view, at, value) => view.setUint8(at, value ? 1 : 0),
}

/** `__u8 x[size]`: an address, a MAC. Reading copies. */
export function bytes(size: number): Codec<Uint8Array> {
  return {
    size,
    read: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, size).slice(),
    write: (view, at, value) => {
      if (value.length !== size) throw misfit(`${value.length} bytes`, `${size}`)
      new Uint8Array(view.buffer, view.byteOffset + at, size).set(value)
    },
  }
}

/** `x[length]` of anything but bytes. */
export function list<T>(element: Codec<T>, length: number): Codec<readonly T[]> {
  return {
    size: element.size * length,
    read: (view, at) => {
      const values: T[] = []
      for (let index = 0; index < length; index++) values.push(element.read(view, at + index * element.size))
      return values
    },
    write: (view, at, values) => {
      if (values.length !== length) throw misfit(`${values.length} elements`, `${length}`)
      for (const [index, value] of values.entries()) element.write(view, at + index * element.size, value)
    },
  }
}

/** An enum, by the names of its values. A number without a name is a `USAGE` error. */
export function named<Name extends string>(
  values: Readonly<Record<Name, number>>,
  number: Codec<number>,
): Codec<Name> {
  return {
    size: number.size,
    read: (view, at) => nameOf(values, number.read(view, at)),
    write: (view, at, name) => number.write(view, at, values[name]),
  }
}

/** The name of a number in an enum: `nameOf(realState, 1)` is `up`. Throws `USAGE` when nothing has that number. */
export function nameOf<Name extends string>(values: Readonly<Record<Name, number>>, number: number): Name {
  for (const name in values) if (values[name] === number) return name
  throw misfit(`${number}`, Object.values(values).join(', '))
}

/** Named padding. */
export function writeZeros(view: DataView, at: number, size: number): void {
  new Uint8Array(view.buffer, view.byteOffset + at, size).fill(0)
}

/** JavaScript would cut a number to its lowest bits without a word. */
function within<N extends number | bigint>(value: N, least: N, most: N): N {
  const whole = typeof value === 'bigint' || Number.isInteger(value)
  if (!whole || value < least || value > most) throw misfit(`${value}`, `${least} to ${most}`)
  return value
}

function misfit(found: string, expected: string): XdplbError {
  return new XdplbError('USAGE', `encode or decode value: ${found}, expected ${expected}`)
}
