import { errnos } from '../net/errno.js'
import { Fd } from '../net/fd.js'
import { type MapType, mapTypeNumber } from './map-type.js'
import { libbpf } from './native.js'
import { optionSizes } from './options.js'
import { libbpfOk } from './status.js'

// include/uapi/linux/bpf.h
const PROG_TYPE_XDP = 6
const ATTACH_XDP = 37
export const XDP_HAS_FRAGS = 1 << 5

/** r0 = XDP_PASS; exit */
const PASS = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)

/**
 * Does this kernel have maps of that type? Asks by making one; throws `UNSUPPORTED` when libbpf does not know the type.
 * (There is no such question about helpers: libbpf 1.1
 * takes recent kernels' refusals for a yes.)
 */
export function hasMapType(type: MapType): boolean {
  return libbpfOk(libbpf().probeMapType(mapTypeNumber(type), null), `probe map type: ${type}`) === 1
}

/** Has this kernel XDP programs that take frames in several buffers (Linux 5.18)? Asks by loading one. */
export function hasXdpFrags(): boolean {
  const options = {
    sz: optionSizes.programLoad,
    attempts: 0,
    expected_attach_type: ATTACH_XDP,
    prog_btf_fd: 0,
    prog_flags: XDP_HAS_FRAGS,
    prog_ifindex: 0,
    kern_version: 0,
  } as const
  const rc = libbpf().programLoad(PROG_TYPE_XDP, 'probe', 'GPL', PASS, PASS.length / 8, options)
  if (rc === -errnos.EINVAL) return false
  new Fd(libbpfOk(rc, 'probe xdp frags')).close()
  return true
}
