import { koffi } from '../net/koffi.js'

/** Every one begins with its own size: later versions of libbpf know more fields, and go by `sz`. */
export const optionSizes = { open: 16, programLoad: 32, testRun: 80, linkCreate: 16, xdpQuery: 32 } as const

/** `struct bpf_object_open_opts`, as far as it is used. */
export interface OpenOptions {
  sz: typeof optionSizes.open
  object_name: string
}

/** `struct bpf_prog_load_opts`, as far as it is used. */
export interface ProgramLoadOptions {
  sz: typeof optionSizes.programLoad
  attempts: 0
  expected_attach_type: number
  prog_btf_fd: 0
  prog_flags: number
  prog_ifindex: 0
  kern_version: 0
}

/** `struct bpf_test_run_opts`: buffers go in; what comes out in their place are addresses. */
export interface TestRunOptions {
  sz: typeof optionSizes.testRun
  data_in: Uint8Array
  data_out: Uint8Array | null
  data_size_in: number
  data_size_out: number
  ctx_in: Uint8Array | null
  ctx_out: Uint8Array | null
  ctx_size_in: number
  ctx_size_out: number
  retval: number
  repeat: number
  duration: number
  flags: number
  cpu: number
  batch_size: number
}

/** `struct bpf_link_create_opts`, as far as it is used. */
export interface LinkCreateOptions {
  sz: typeof optionSizes.linkCreate
  flags: number
  padding: 0
}

/** `struct bpf_xdp_query_opts` of libbpf 1.1. */
export interface XdpQueryOptions {
  sz: typeof optionSizes.xdpQuery
  prog_id: number
  drv_prog_id: number
  hw_prog_id: number
  skb_prog_id: number
  attach_mode: number
}

let defined: ReturnType<typeof define> | undefined

/** Pointers to the same structs and to libbpf's callbacks, as koffi knows them; defined once, for it never forgets. */
export function pointerTypes() {
  defined ??= define()
  return defined
}

function define() {
  const { pointer, proto, struct } = koffi()
  return {
    onPrint: pointer(proto('int (int level, void *format, void *arguments)')),
    onRecord: pointer(proto('int (void *context, void *data, size_t size)')),
    open: pointer(struct({ sz: 'size_t', object_name: 'const char *' })),
    programLoad: pointer(
      struct({
        sz: 'size_t',
        attempts: 'int',
        expected_attach_type: 'int',
        prog_btf_fd: 'uint32_t',
        prog_flags: 'uint32_t',
        prog_ifindex: 'uint32_t',
        kern_version: 'uint32_t',
      }),
    ),
    testRun: pointer(
      struct({
        sz: 'size_t',
        data_in: 'const void *',
        data_out: 'void *',
        data_size_in: 'uint32_t',
        data_size_out: 'uint32_t',
        ctx_in: 'const void *',
        ctx_out: 'void *',
        ctx_size_in: 'uint32_t',
        ctx_size_out: 'uint32_t',
        retval: 'uint32_t',
        repeat: 'int',
        duration: 'uint32_t',
        flags: 'uint32_t',
        cpu: 'uint32_t',
        batch_size: 'uint32_t',
      }),
    ),
    linkCreate: pointer(struct({ sz: 'size_t', flags: 'uint32_t', padding: 'uint32_t' })),
    xdpQuery: pointer(
      struct({
        sz: 'size_t',
        prog_id: 'uint32_t',
        drv_prog_id: 'uint32_t',
        hw_prog_id: 'uint32_t',
        skb_prog_id: 'uint32_t',
        attach_mode: 'uint8_t',
      }),
    ),
  }
}
