import { XdplbError } from '../errors.js'
import { koffi } from '../net/koffi.js'
import type { Pointer } from '../net/libc.js'
import {
  type LinkCreateOptions,
  type OpenOptions,
  type ProgramLoadOptions,
  pointerTypes,
  type TestRunOptions,
  type XdpQueryOptions,
} from './options.js'

/** libbpf's functions, typed. Each is documented in bpf/bpf.h, bpf/libbpf.h or bpf/btf.h; no logic lives here. */
export type Libbpf = ReturnType<typeof bind>

const OLDEST = 'expected libbpf 1.1 or newer (apt-get install libbpf1)'

let loaded: Libbpf | undefined

/** libbpf, loaded on the first call and once, and told not to print. */
export function libbpf(): Libbpf {
  if (loaded === undefined) {
    loaded = loadLibbpf('libbpf.so.1')
    loaded.setPrint(null)
  }
  return loaded
}

/** Throws `UNSUPPORTED` when the file is missing, or lacks a function because it is too old. */
export function loadLibbpf(file: string): Libbpf {
  try {
    return bind(koffi().load(file))
  } catch (cause) {
    if (cause instanceof XdplbError) throw cause
    const symbol = /function '(\w+)'/.exec(String(cause))?.[1]
    const found = symbol === undefined ? 'not found' : `${symbol} is missing`
    const operation = 'load libbpf'
    throw new XdplbError('UNSUPPORTED', `${operation}: ${file}: ${found}, ${OLDEST}`, { cause, operation })
  }
}

function bind(library: ReturnType<ReturnType<typeof koffi>['load']>) {
  const { inout, load, register } = koffi()
  const types = pointerTypes()
  const libc = load(null)

  return {
    setPrint: library.func('libbpf_set_print', 'void *', [types.onPrint]) as (
      callback: Pointer | null,
    ) => Pointer | null,
    registerPrint: (callback: (level: number, format: Pointer, args: Pointer) => number): Pointer =>
      register(callback, types.onPrint),

    possibleCpus: library.func('int libbpf_num_possible_cpus()') as () => number,
    probeMapType: library.func('int libbpf_probe_bpf_map_type(int type, void *opts)') as (
      type: number,
      opts: null,
    ) => number,

    objectOpen: library.func('bpf_object__open_mem', 'void *', ['const void *', 'size_t', types.open]) as (
      bytes: Uint8Array,
      size: number,
      options: OpenOptions,
    ) => Pointer | null,
    objectBtf: library.func('void *bpf_object__btf(void *object)') as (object: Pointer) => Pointer | null,
    objectLoad: library.func('int bpf_object__load(void *object)') as (object: Pointer) => number,
    objectClose: library.func('void bpf_object__close(void *object)') as (object: Pointer) => void,
    nextMap: library.func('void *bpf_object__next_map(void *object, void *map)') as (
      object: Pointer,
      map: Pointer | null,
    ) => Pointer | null,
    nextProgram: library.func('void *bpf_object__next_program(void *object, void *program)') as (
      object: Pointer,
      program: Pointer | null,
    ) => Pointer | null,
    findMap: library.func('void *bpf_object__find_map_by_name(void *object, const char *name)') as (
      object: Pointer,
      name: string,
    ) => Pointer | null,
    btfBytes: library.func('void *btf__raw_data(void *btf, _Out_ uint32_t *size)') as (
      btf: Pointer,
      size: Uint32Array,
    ) => Pointer | null,

    mapName: library.func('const char *bpf_map__name(void *map)') as (map: Pointer) => string,
    mapFd: library.func('int bpf_map__fd(void *map)') as (map: Pointer) => number,
    mapType: library.func('int bpf_map__type(void *map)') as (map: Pointer) => number,
    mapKeySize: library.func('uint32_t bpf_map__key_size(void *map)') as (map: Pointer) => number,
    mapValueSize: library.func('uint32_t bpf_map__value_size(void *map)') as (map: Pointer) => number,
    mapSetMaxEntries: library.func('int bpf_map__set_max_entries(void *map, uint32_t entries)') as (
      map: Pointer,
      entries: number,
    ) => number,
    mapReuse: library.func('int bpf_map__reuse_fd(void *map, int fd)') as (
      map: Pointer,
      fd: number,
    ) => number,
    mapSetInnerMap: library.func('int bpf_map__set_inner_map_fd(void *map, int fd)') as (
      map: Pointer,
      fd: number,
    ) => number,
    mapInitialValue: library.func('void *bpf_map__initial_value(void *map, _Out_ size_t *size)') as (
      map: Pointer,
      size: BigUint64Array,
    ) => Pointer | null,

    programName: library.func('const char *bpf_program__name(void *program)') as (program: Pointer) => string,
    programFd: library.func('int bpf_program__fd(void *program)') as (program: Pointer) => number,
    programAutoload: library.func('bool bpf_program__autoload(void *program)') as (
      program: Pointer,
    ) => boolean,
    programSetAutoload: library.func('int bpf_program__set_autoload(void *program, bool autoload)') as (
      program: Pointer,
      autoload: boolean,
    ) => number,
    programFlags: library.func('uint32_t bpf_program__flags(void *program)') as (program: Pointer) => number,
    programSetFlags: library.func('int bpf_program__set_flags(void *program, uint32_t flags)') as (
      program: Pointer,
      flags: number,
    ) => number,
    programSetLog: library.func('int bpf_program__set_log_buf(void *program, void *log, size_t size)') as (
      program: Pointer,
      log: Pointer,
      size: number,
    ) => number,

    lookup: library.func('int bpf_map_lookup_elem(int fd, const void *key, _Out_ void *value)') as (
      fd: number,
      key: Uint8Array,
      value: Uint8Array,
    ) => number,
    update: library.func(
      'int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)',
    ) as (fd: number, key: Uint8Array, value: Uint8Array, flags: number) => number,
    delete: library.func('int bpf_map_delete_elem(int fd, const void *key)') as (
      fd: number,
      key: Uint8Array,
    ) => number,
    nextKey: library.func('int bpf_map_get_next_key(int fd, const void *key, _Out_ void *next)') as (
      fd: number,
      key: Uint8Array | null,
      next: Uint8Array,
    ) => number,
    lookupBatch: library.func(
      'int bpf_map_lookup_batch(int fd, void *from, _Out_ void *next, _Out_ void *keys, _Out_ void *values, _Inout_ uint32_t *count, void *opts)',
    ) as (
      fd: number,
      from: Uint8Array | null,
      next: Uint8Array,
      keys: Uint8Array,
      values: Uint8Array,
      count: Uint32Array,
      opts: null,
    ) => number,
    updateBatch: library.func(
      'int bpf_map_update_batch(int fd, const void *keys, const void *values, _Inout_ uint32_t *count, void *opts)',
    ) as (fd: number, keys: Uint8Array, values: Uint8Array, count: Uint32Array, opts: null) => number,
    deleteBatch: library.func(
      'int bpf_map_delete_batch(int fd, const void *keys, _Inout_ uint32_t *count, void *opts)',
    ) as (fd: number, keys: Uint8Array, count: Uint32Array, opts: null) => number,

    pin: library.func('int bpf_obj_pin(int fd, const char *path)') as (fd: number, path: string) => number,
    openPin: library.func('int bpf_obj_get(const char *path)') as (path: string) => number,
    info: library.func('int bpf_obj_get_info_by_fd(int fd, _Inout_ void *info, _Inout_ uint32_t *size)') as (
      fd: number,
      info: Uint8Array,
      size: Uint32Array,
    ) => number,
    programLoad: library.func('bpf_prog_load', 'int', [
      'int',
      'const char *',
      'const char *',
      'const void *',
      'size_t',
      types.programLoad,
    ]) as (
      type: number,
      name: string,
      license: string,
      instructions: Uint8Array,
      count: number,
      options: ProgramLoadOptions,
    ) => number,
    programById: library.func('int bpf_prog_get_fd_by_id(uint32_t id)') as (id: number) => number,

    testRun: library.func('bpf_prog_test_run_opts', 'int', ['int', inout(types.testRun)]) as (
      fd: number,
      options: TestRunOptions,
    ) => number,
    linkCreate: library.func('bpf_link_create', 'int', ['int', 'int', 'int', types.linkCreate]) as (
      program: number,
      target: number,
      attachType: number,
      options: LinkCreateOptions,
    ) => number,
    linkUpdate: library.func('int bpf_link_update(int link, int program, void *opts)') as (
      link: number,
      program: number,
      opts: null,
    ) => number,
    linkDetach: library.func('int bpf_link_detach(int link)') as (link: number) => number,
    xdpQuery: library.func('bpf_xdp_query', 'int', ['int', 'int', inout(types.xdpQuery)]) as (
      ifindex: number,
      flags: number,
      options: XdpQueryOptions,
    ) => number,

    ringBufferNew: library.func('ring_buffer__new', 'void *', [
      'int',
      types.onRecord,
      'void *',
      'void *',
    ]) as (fd: number, callback: Pointer, context: null, opts: null) => Pointer | null,
    registerRecord: (callback: (context: Pointer | null, data: Pointer, size: number) => number): Pointer =>
      register(callback, types.onRecord),
    ringBufferFd: library.func('int ring_buffer__epoll_fd(void *ring)') as (ring: Pointer) => number,
    ringBufferConsume: library.func('int ring_buffer__consume(void *ring)') as (ring: Pointer) => number,
    ringBufferFree: library.func('void ring_buffer__free(void *ring)') as (ring: Pointer) => void,

    // libc's, for libbpf's sake: vsnprintf(3), memcpy(3), fcntl(2), if_indextoname(3)
    format: libc.func('int vsnprintf(_Out_ void *text, size_t size, void *format, void *arguments)') as (
      text: Uint8Array,
      size: number,
      format: Pointer,
      args: Pointer,
    ) => number,
    copy: libc.func('void *memcpy(_Out_ void *to, const void *from, size_t size)') as (
      to: Uint8Array,
      from: Pointer,
      size: number,
    ) => Pointer,
    fcntl: libc.func('int fcntl(int fd, int command, int argument)') as (
      fd: number,
      command: number,
      argument: number,
    ) => number,
    interfaceName: libc.func('const char *if_indextoname(uint32_t index, _Out_ void *name)') as (
      index: number,
      name: Uint8Array,
    ) => string | null,
  }
}
