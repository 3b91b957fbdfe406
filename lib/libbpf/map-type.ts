/** What a map is, in the order of the kernel's `enum bpf_map_type` (include/uapi/linux/bpf.h). */
const mapTypes = [
  'unspec',
  'hash',
  'array',
  'prog_array',
  'perf_event_array',
  'percpu_hash',
  'percpu_array',
  'stack_trace',
  'cgroup_array',
  'lru_hash',
  'lru_percpu_hash',
  'lpm_trie',
  'array_of_maps',
  'hash_of_maps',
  'devmap',
  'sockmap',
  'cpumap',
  'xskmap',
  'sockhash',
  'cgroup_storage',
  'reuseport_sockarray',
  'percpu_cgroup_storage',
  'queue',
  'stack',
  'sk_storage',
  'devmap_hash',
  'struct_ops',
  'ringbuf',
  'inode_storage',
  'task_storage',
  'bloom_filter',
  'user_ringbuf',
  'cgrp_storage',
  'arena',
] as const

export type MapType = (typeof mapTypes)[number]

/** The name of the kernel's number; `unspec` for one that is newer than this library. */
export function mapTypeOf(number: number): MapType {
  return mapTypes[number] ?? 'unspec'
}

/** The kernel's number of a name. */
export function mapTypeNumber(type: MapType): number {
  return mapTypes.indexOf(type)
}
