/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps. All are pinned by the loader, so that they outlive it. Array look-ups are inlined by the verifier;
 * those with BPF_F_MMAPABLE are read and written by TypeScript without a system call.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

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

ARRAY(settings, struct settings, 1);
ARRAY(vips, struct vip, LIMIT_VIPS);
ARRAY(roles, __u32, LIMIT_VIPS);			/* enum role, by VIP id */
ARRAY(vouched, __u64, LIMIT_VIPS);			/* by VIP id: see yield.h */
ARRAY(service_keys, struct bucket, LIMIT_SERVICE_BUCKETS);
ARRAY(services, struct service, LIMIT_SERVICES);
ARRAY(cursors, struct cursor, LIMIT_SERVICES);
ARRAY(slots, struct slot, LIMIT_SLOTS);
ARRAY(reals, struct real, LIMIT_REALS);
ARRAY(loads, struct load, LIMIT_REALS);			/* by real id */
ARRAY(markings, struct marking, LIMIT_VIPS);		/* by VIP id */
ARRAY(marks, struct mark, LIMIT_MARKS);
ARRAY(flow_words, struct bucket, 1);			/* buckets; the loader sets how many */
ARRAY(flows, struct flow, LIMIT_WAYS);
ARRAY(template_words, struct bucket, 1);
ARRAY(templates, struct template, LIMIT_WAYS);
ARRAY(ports, struct port, LIMIT_PORTS);
ARRAY(steps, __u32, LIMIT_STEPS);			/* to count by: see schedule-list.h */
ARRAY(trace_filters, struct trace_filter, 1);

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

/* Programs behind a tail call: what is rare and long, and IPv6, so that each family's way stays short. */
enum slow_step {
	SLOW_STEP_IPV6,
	SLOW_STEP_FRAGMENT,
	SLOW_STEP_FRAGMENT_IPV6,
	SLOW_STEP_ICMP_ERROR,
	SLOW_STEP_ICMP_ERROR_IPV6,
	SLOW_STEP_TIME_EXCEEDED,
	SLOW_STEP_TOO_BIG,
	SLOW_STEP_NO_REAL,
	SLOW_STEP_HEAR_ADVERT,
	SLOW_STEP_HEAR_ARP,
	SLOW_STEP_TRACED,
	SLOW_STEP_TRACED_IPV6,
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
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
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
