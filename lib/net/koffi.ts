import { createRequire } from 'node:module'
import { XdplbError } from '../errors.js'

/** The foreign-function interface. Only `lib/net` and `lib/libbpf` call it. */
export type Koffi = typeof import('koffi')

let loaded: Koffi | undefined

/**
 * koffi, loaded on the first call and once: a process that only parses a configuration never loads native code.
 * Throws `UNSUPPORTED` when the native module for this platform is missing.
 */
export function koffi(): Koffi {
  loaded ??= load()
  return loaded
}

function load(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi
  } catch (cause) {
    throw new XdplbError(
      'UNSUPPORTED',
      `load koffi: no native module for ${process.platform}-${process.arch}, expected the optional dependency ` +
        '@koromix/koffi-linux-*; install again without --omit=optional',
      { cause, operation: 'load koffi' },
    )
  }
}
