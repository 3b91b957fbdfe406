/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps. All are pinned by the loader, so that they outlive it; arrays with BPF_F_MMAPABLE, and variables, are
 * read and written by TypeScript without a system call.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#include "compiler.h"
#include "types.h"

#define ARRAY(name, kind, entries)			\
	struct {					\
		__uint(type, BPF_MAP_TYPE_ARRAY);	\
		__uint(map_flags, BPF_F_MMAPABLE);	\
		__uint(max_entries, entries);		\
		__type(key, __u32);			\
		__type(value, kind);			\
	} name SEC(".maps")

#define PERCPU(name, kind, entries)			\
	struct {					\
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);\
		__uint(max_entries, entries);		\
		__type(key, __u32);			\
		__type(value, kind);			\
	} name SEC(".maps")

/*
 * What has a fixed size is one variable, which libbpf makes the map .bss of: the program has its address, where a map
 * takes a look-up of a dozen instructions. Who indexes it masks the index. Before Linux 5.19 a map's value may have
 * no more than 4 MiB.
 */
struct tables tables;

_Static_assert(sizeof(tables) <= 4 << 20, "the value of one map");

ARRAY(slots, struct slot, LIMIT_SLOTS);
ARRAY(flow_words, struct bucket, 1);			/* buckets; the loader sets how many */
ARRAY(flows, struct flow, LIMIT_WAYS);
ARRAY(template_words, struct bucket, 1);
ARRAY(templates, struct template, LIMIT_WAYS);

/*
 * How many buckets the tables have, less one. The loader tells each program, and not the settings, which are for all:
 * while a table is given another size, two programs run.
 */
const volatile __u32 flow_mask;
const volatile __u32 template_mask;

ARRAY(steps, __u32, LIMIT_STEPS);			/* to count by: see schedule-list.h */

PERCPU(stats, struct real_stats, LIMIT_REALS);
PERCPU(verdicts, __u64, VERDICT_REDIRECT + 1);
PERCPU(events, __u64, EVENT_TRACE_LOST + 1);

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);				/* the loader sets how many */
	__type(key, struct fragment_key);
	__type(value, struct fragment);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIMIT_STATIONS);
	__type(key, struct station);
	__type(value, __u32);
} stations SEC(".maps");				/* those that there are; the value says no more */

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, LIMIT_PORTS);
	__type(key, __u32);
	__type(value, __u32);
} egress SEC(".maps");					/* ifindex → ifindex, for packets that leave by another one */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LIMIT_LOCALITIES);
	__type(key, struct locality_key);
	__type(value, struct locality);
} localities SEC(".maps");

PERCPU(fresh_locality, struct locality, 1);	/* one in the making: it is large for the stack */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} traces SEC(".maps");					/* struct trace_record */

/*
 * Programs behind a tail call: what is rare or long, and IPv6, so that each family's usual way stays short. The program
 * that a former process attached goes on to those of the next one by these numbers, with what is handed over in maps:
 * whoever changes one raises LAYOUT_VERSION.
 */
enum slow_step {
	SLOW_STEP_IPV6,
	SLOW_STEP_BALANCE,
	SLOW_STEP_ANSWER,
	SLOW_STEP_TUNNEL,
	SLOW_STEP_HEAR_ADVERT,
	SLOW_STEP_HEAR_ARP,
	SLOW_STEPS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SLOW_STEPS);
	__type(key, enum slow_step);
	__type(value, __u32);
} slow SEC(".maps");

static __always_inline struct settings *get_settings(void)
{
	return &tables.settings;
}

static __always_inline struct service *service_at(__u32 id)
{
	return &tables.services[id & (LIMIT_SERVICES - 1)];
}

static __always_inline struct real *real_at(__u32 id)
{
	struct real *real = &tables.reals[id & (LIMIT_REALS - 1)];

	opaque(real);
	return real;
}

static __always_inline void count_verdict(__u32 verdict)
{
	__u64 *counter = bpf_map_lookup_elem(&verdicts, &verdict);

	if (counter)
		*counter += 1;
}

static __always_inline void count_event(__u32 event)
{
	__u64 *counter = bpf_map_lookup_elem(&events, &event);

	if (counter)
		*counter += 1;
}
