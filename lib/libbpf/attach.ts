import { XdplbError } from '../errors.js'
import { errnos } from '../net/errno.js'
import { Fd } from '../net/fd.js'
import { Link } from './link.js'
import { libbpf } from './native.js'
import { optionSizes } from './options.js'
import { libbpfError } from './status.js'
import { queryXdp } from './xdp.js'

/** `auto`: native where the driver can, generic elsewhere. */
export type AttachMode = 'auto' | 'native' | 'generic'

export interface AttachOptions {
  /** @default 'auto' */
  mode?: AttachMode
}

/** XDP_FLAGS_*, include/uapi/linux/if_link.h */
const modeFlags = { auto: 0, generic: 1 << 1, native: 1 << 2 } as const satisfies Record<AttachMode, number>

/** BPF_XDP of enum bpf_attach_type, include/uapi/linux/bpf.h */
const ATTACH_XDP = 37

/** <net/if.h> */
const IF_NAMESIZE = 16

export function attachXdp(program: number, ifindex: number, { mode = 'auto' }: AttachOptions): Link {
  const options = { sz: optionSizes.linkCreate, flags: modeFlags[mode], padding: 0 } as const
  const rc = libbpf().linkCreate(program, ifindex, ATTACH_XDP, options)
  if (rc < 0) throw attachError(-rc, ifindex, mode)
  return new Link(new Fd(rc))
}

/** What the kernel's number means here; asks for more where it says little. */
function attachError(errno: number, ifindex: number, mode: AttachMode): XdplbError {
  const name = libbpf().interfaceName(ifindex, Buffer.alloc(IF_NAMESIZE))
  const operation = `attach xdp: ${name ?? `interface ${ifindex}`}`
  const details = { errno, operation }
  if (name === null) return new XdplbError('NOT_FOUND', `${operation}: no such interface`, details)
  if (errno === errnos.EOPNOTSUPP && mode === 'native') {
    const message = `${operation}: its driver has no native mode, expected mode auto or generic`
    return new XdplbError('UNSUPPORTED', message, details)
  }
  // EEXIST: the other program sits in the other mode
  if (errno === errnos.EBUSY || errno === errnos.EEXIST) {
    const other = queryXdp(ifindex)
    const found = other
      ? `program "${other.programName}" (id ${other.programId}, ${other.mode})`
      : 'another program'
    const cure = `see: bpftool net show dev ${name}; bpftool link`
    return new XdplbError('BUSY', `${operation}: ${found} is attached, expected none; ${cure}`, details)
  }
  // drivers/net/veth.c
  if (errno === errnos.ERANGE) {
    const message = `${operation}: its MTU is too large, expected less or a program that takes frames in parts (xdp.frags)`
    return new XdplbError('UNSUPPORTED', message, details)
  }
  return libbpfError(errno, operation)
}
